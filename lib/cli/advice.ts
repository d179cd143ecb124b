import { duration, percent } from './format.js'
import { METHODS, type MethodName } from './methods.js'
import { isOverlapping, type Interval } from './timing.js'

/** What decides: the least time for each degree of freedom, or the least time. */
export const CRITERIA = ['dof', 'time'] as const
export type Criterion = (typeof CRITERIA)[number]

/** A product as far as it is weighed against others. */
export interface Offer {
  method: MethodName
  /** Forward and backward pass for one channel of one sample: median, and first and last decile. */
  seconds: Interval
  expressivity: number
  /** Of how many couplings that triangle and parity allow, how many it lacks. */
  couplings: number
  lost: number
  /** Couplings that are required and that it lacks. */
  missing: readonly string[]
}

export interface Recommendation {
  method: MethodName
  /** Those whose spread overlaps with its own: another run may prefer them. */
  alike: MethodName[]
  sentence: string
}

/** Those that no other beats: none is at least as fast and at least as expressive, and better in one of both. */
export function paretoFront<O extends Pick<Offer, 'seconds' | 'expressivity'>>(offers: readonly O[]): O[] {
  return offers.filter(({ seconds: { median }, expressivity }) => {
    return !offers.some((other) => {
      const atLeast = other.seconds.median <= median && other.expressivity >= expressivity
      return atLeast && (other.seconds.median < median || other.expressivity > expressivity)
    })
  })
}

/** Those that lack nothing that is required. */
export function eligible<O extends Pick<Offer, 'missing'>>(offers: readonly O[]): O[] {
  return offers.filter(({ missing }) => missing.length === 0)
}

/** The best of those that lack nothing that is required, which is on their front; none where there are none. */
export function recommend(
  offers: readonly Offer[],
  criterion: Criterion,
  required: readonly string[],
): Recommendation | undefined {
  const among = eligible(offers)
  if (among.length === 0) return undefined
  // Of two that are as good, the more expressive, so that none that another beats is chosen.
  const [best, ...others] = [...among].sort((a, b) => {
    return cost(a, criterion).median - cost(b, criterion).median || b.expressivity - a.expressivity
  })
  const alike = others.filter((other) => isOverlapping(cost(other, criterion), cost(best, criterion)))
  const names = alike.map(({ method }) => method)
  const fastest = among.reduce((first, other) => (other.seconds.median < first.seconds.median ? other : first), best)
  return {
    method: best.method,
    alike: names,
    sentence: `${describe(best, among.length, names, criterion, required)}${besides(best, fastest)}.`,
  }
}

function cost({ seconds, expressivity }: Offer, criterion: Criterion): Interval {
  const per = criterion === 'dof' ? expressivity : 1
  return { median: seconds.median / per, p10: seconds.p10 / per, p90: seconds.p90 / per }
}

function describe(
  best: Offer,
  among: number,
  alike: readonly MethodName[],
  criterion: Criterion,
  required: readonly string[],
): string {
  const { method, couplings, lost, expressivity } = best
  const needs = required.length === 0 ? '' : ` with ${required.join(' and ')}`
  const figure = `${duration(cost(best, criterion).median)} for each ${criterion === 'dof' ? 'degree of freedom' : 'channel and sample'}`
  const why =
    among === 1 ? `the only product here${needs}, at ${figure}` : `${figure}, the least of ${among} products${needs}`
  const doubt = alike.length === 0 ? '' : ` (${alike.join(', ')}: the same within the spread)`
  const loss = lost === 0 ? 'loses nothing' : `loses ${lost} of ${couplings} couplings`
  return `Take ${METHODS[method].title} (${method}): ${why}${doubt}; it ${loss} and has ${expressivity} degrees of freedom`
}

/** What a little less would cost. */
function besides(best: Offer, fastest: Offer): string {
  if (fastest === best) return ''
  const part = percent(fastest.seconds.median / best.seconds.median)
  return `, where the fastest (${fastest.method}) takes ${part} of its time and has ${fastest.expressivity}`
}
