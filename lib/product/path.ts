import { errorIn, expected, GauntletError } from '../runtime/errors.js'
import { Irrep, type IrrepLike, Irreps, type IrrepsLike } from '../o3/irreps.js'
import { isTriangle } from '../o3/wigner.js'

/**
 * One coupling of a product: block `in1` with block `in2` into block `out`,
 *
 *     out[m3] += coefficient * sum over m1, m2 of  wigner3j(l1, l2, l3)[m1, m2, m3] * x1[m1] * x2[m2]
 *
 * for every pair of channels that the product couples.
 */
export interface Path {
  /** Indices of the blocks in irrepsIn1, irrepsIn2 and irrepsOut. */
  readonly in1: number
  readonly in2: number
  readonly out: number
  readonly l1: number
  readonly p1: 1 | -1
  readonly l2: number
  readonly p2: 1 | -1
  readonly l3: number
  readonly p3: 1 | -1
  readonly coefficient: number
}

/** What a product does with the pair of irreps of a path: its coefficient, 0 where the path is lost, and then the reason. */
export interface CouplingRule {
  /** As in "a Gaunt tensor product". */
  readonly name: string
  /** The coefficient of a path that triangle and parity allow. */
  coefficient(l1: number, l2: number, l3: number): number
  /** Why such a coefficient is 0, where any is. */
  readonly reason?: string
}

/** Checks a constructor's irreps argument and names it in the error. */
export function toIrreps(name: string, value: IrrepsLike): Irreps {
  if ((value as unknown) === undefined) throw expected('irreps', name, value, 'ERR_IRREPS')
  try {
    return Irreps.from(value)
  } catch (error) {
    throw errorIn(name, error)
  }
}

/** The names of the irreps that `filterIrOut` keeps; nothing where that is not given and all are kept. */
export function keptIrreps(filterIrOut: Iterable<IrrepLike> | undefined): ReadonlySet<string> | undefined {
  if (filterIrOut === undefined) return undefined
  if (typeof (filterIrOut as Partial<Iterable<IrrepLike>> | null)?.[Symbol.iterator] !== 'function') {
    throw expected('a list of irreps', 'filterIrOut', filterIrOut)
  }
  return new Set(Array.from(filterIrOut, (ir) => Irrep.from(ir).toString()))
}

/** Channels that `in1` and `in2` share: channel u couples with channel u. */
export function sharedChannels(in1: Irreps, in2: Irreps): number {
  const most = (irreps: Irreps) => Math.max(0, ...[...irreps].map(({ mul }) => mul))
  return Math.min(most(in1), most(in2))
}

/**
 * Every path of a channelwise product: channel u of in1 with channel u of in2 into channel u of out.
 *
 * @throws GauntletError ERR_UNREACHABLE where an output block has a channel that no path reaches, with the rule that forbids it
 */
export function channelwisePaths(in1: Irreps, in2: Irreps, out: Irreps, rule: CouplingRule): Path[] {
  const paths: Path[] = []
  for (const [i3, { mul, ir }] of [...out].entries()) {
    let channels = 0
    for (const [i1, b1] of [...in1].entries()) {
      for (const [i2, b2] of [...in2].entries()) {
        const shared = Math.min(b1.mul, b2.mul)
        if (shared === 0 || !mayCouple(b1.ir, b2.ir, ir)) continue
        const coefficient = rule.coefficient(b1.ir.l, b2.ir.l, ir.l)
        if (coefficient === 0) continue
        channels = Math.max(channels, shared)
        paths.push(makePath(i1, i2, i3, b1.ir, b2.ir, ir, coefficient))
      }
    }
    if (channels < mul) throw unreachable(in1, in2, mul, ir, channels, rule)
  }
  return paths
}

export function makePath(i1: number, i2: number, i3: number, a: Irrep, b: Irrep, c: Irrep, coefficient: number): Path {
  return { in1: i1, in2: i2, out: i3, l1: a.l, p1: a.p, l2: b.l, p2: b.p, l3: c.l, p3: c.p, coefficient }
}

/** Whether triangle and parity allow a path. */
export function mayCouple(a: Irrep, b: Irrep, c: Irrep): boolean {
  return isTriangle(a.l, b.l, c.l) && a.p * b.p === c.p
}

/** The error for an output block of which paths reach only some `channels`, or none. */
export function unreachable(
  in1: Irreps,
  in2: Irreps,
  mul: number,
  ir: Irrep,
  channels: number,
  rule: CouplingRule,
): GauntletError {
  const expectation = `Expected output irreps that a ${rule.name} of ${in1.toString()} and ${in2.toString()} reaches`
  if (channels > 0) {
    const what = `${expectation}, in at most ${channels} channels (those that both inputs have), but received ${mul}x`
    return new GauntletError('ERR_UNREACHABLE', what + ir.toString())
  }
  const pairs = [...in1].flatMap((a) => [...in2].map((b) => [a.ir, b.ir] as const))
  const triangles = pairs.filter(([a, b]) => isTriangle(a.l, b.l, ir.l))
  const reason =
    pairs.length === 0
      ? 'an input is empty'
      : triangles.length === 0
        ? `no pair has |l1-l2| <= ${ir.l} <= l1+l2`
        : !triangles.some(([a, b]) => a.p * b.p === ir.p)
          ? `every pair with |l1-l2| <= ${ir.l} <= l1+l2 has parity ${ir.p === 1 ? 'odd' : 'even'}`
          : pairs.some(([a, b]) => mayCouple(a, b, ir) && rule.coefficient(a.l, b.l, ir.l) !== 0)
            ? 'the input blocks that could be coupled into it have no channels'
            : `for every pair that triangle and parity allow, ${rule.reason}`
  return new GauntletError('ERR_UNREACHABLE', `${expectation} but received ${mul}x${ir.toString()}: ${reason}`)
}

/** Every irrep that the rule lets the inputs reach, once each in all shared channels, in e3nn's order. */
export function reachableIrreps(in1: Irreps, in2: Irreps, rule: CouplingRule): Irreps {
  const channels = new Map<string, { mul: number; ir: Irrep }>()
  for (const a of in1) {
    for (const b of in2) {
      const mul = Math.min(a.mul, b.mul)
      for (const ir of a.ir.product(b.ir)) {
        if (mul === 0 || rule.coefficient(a.ir.l, b.ir.l, ir.l) === 0) continue
        const known = channels.get(ir.toString())
        channels.set(ir.toString(), { mul: Math.max(mul, known?.mul ?? 0), ir })
      }
    }
  }
  return new Irreps(channels.values()).sort().irreps
}

/** Refuses any value that is not one of `choices`; undefined means the first. */
export function choose<T extends string>(name: string, choices: readonly T[], value: unknown): T {
  const chosen = value === undefined ? choices[0] : choices.find((choice) => choice === value)
  if (chosen === undefined) throw expected(choices.map((choice) => `'${choice}'`).join(' or '), name, value)
  return chosen
}
