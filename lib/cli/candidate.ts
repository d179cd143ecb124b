import { interactability, type Interaction } from '../analysis/index.js'
import { Irreps } from '../o3/irreps.js'
import type { DeviceOption } from '../runtime/index.js'
import type { Offer } from './advice.js'
import { expressivityOfChannel } from './degrees-of-freedom.js'
import { couplingName, isAllowed, lostCouplings } from './losses.js'
import { createInto, METHODS, type MethodName, type Sides } from './methods.js'
import { timePass } from './pass-timing.js'
import type { Interval } from './timing.js'

/** What every candidate is measured with. */
export interface Trial {
  /** Every irrep once. */
  sides: Sides
  channels: number
  batch: number
  device: DeviceOption
  /** Seconds for each pass, about. */
  budget: number
  /** Couplings that are to be had, as `1o x 1o -> 1e`. */
  required: readonly string[]
}

export interface Candidate extends Omit<Offer, 'lost'> {
  lost: Interaction[]
  /** Numbers that come out for one channel of one sample. */
  outputs: number
  /** Both for one channel of one sample; `seconds` is their sum. */
  forward: Interval
  backward: Interval
  secondsPerDegreeOfFreedom: number
  /** || out - reference || / || reference || of one sample, the larger of both passes. */
  error: number
}

/** What a product couples of `sides`, at what cost; none where it couples nothing of it. */
export function measureCandidate(method: MethodName, trial: Trial): Candidate | undefined {
  const { channels, batch, required, budget } = trial
  const wide = widen(trial.sides, channels)
  using product = createInto(METHODS[method], wide, trial.device)
  const interactions = interactability(product, { out: wide.out })
  const coupled = new Set(interactions.filter(({ coupled }) => coupled).map(couplingName))
  if (coupled.size === 0) return undefined
  const [forward, backward] = (['forward', 'backward'] as const).map((pass) => timePass(product, pass, batch, budget))
  const [one, two] = [forward, backward].map(({ seconds }) => perSample(seconds, batch * channels))
  // Both passes slow or fast at once: the spread of their sum is at most this.
  const seconds = { median: one.median + two.median, p10: one.p10 + two.p10, p90: one.p90 + two.p90 }
  const expressivity = expressivityOfChannel(product, channels)
  return {
    method,
    couplings: interactions.filter(isAllowed).length,
    lost: lostCouplings(interactions),
    missing: required.filter((name) => !coupled.has(name)),
    outputs: product.irrepsOut.dim / channels,
    expressivity,
    forward: one,
    backward: two,
    seconds,
    secondsPerDegreeOfFreedom: seconds.median / expressivity,
    error: Math.max(forward.error, backward.error),
  }
}

/** So many channels of every irrep. */
export function widen({ in1, in2, out }: Sides, channels: number): Sides {
  const wide = (irreps: Irreps): Irreps => new Irreps([...irreps].map(({ ir }) => ({ mul: channels, ir })))
  return { in1: wide(in1), in2: wide(in2), out: wide(out) }
}

function perSample({ median, p10, p90 }: Interval, samples: number): Interval {
  return { median: median / samples, p10: p10 / samples, p90: p90 / samples }
}
