import type { Criterion, Recommendation } from './advice.js'
import { type Candidate, widen } from './candidate.js'
import { digits, scientific } from './format.js'
import { couplingName, describeLosses } from './losses.js'
import { describeProvenance, type Provenance } from './machine.js'
import { METHODS, type MethodName, type Sides } from './methods.js'
import { type Column, table } from './table.js'
import type { Interval } from './timing.js'

/** What `gauntlet advise --json` writes. */
export interface Advice extends Sides {
  provenance: Provenance
  channels: number
  batch: number
  required: string[]
  by: Criterion
  /** Candidates that couple nothing of what is asked for. */
  unfit: MethodName[]
  candidates: (Candidate & { onFront: boolean })[]
  recommendation: Recommendation | null
}

/** For people. */
export function describeAdvice(advice: Advice): string {
  const { candidates, batch, channels, required, unfit, recommendation } = advice
  const { in1, in2, out } = widen(advice, channels)
  const needs = required.length === 0 ? '' : `required: ${required.join(', ')}\n`
  const others = unfit.length === 0 ? '' : `Without any coupling into these irreps: ${unfit.join(', ')}\n`
  const sentence = recommendation?.sentence ?? 'No product here has what is required.'
  return [
    `${describeProvenance(advice.provenance)}\n`,
    `${in1.toString()} x ${in2.toString()} -> ${out.toString()}, ${batch} samples\n${needs}\n`,
    table(candidates, required.length === 0 ? columns : [...columns, missing]),
    `Times in ns for one channel of one sample.\n\n${others}${lossesOf(candidates)}\n${sentence}\n`,
  ].join('')
}

/** Products that lack the same for the same reasons share their lines. */
function lossesOf(candidates: readonly Candidate[]): string {
  const groups = new Map<string, Candidate[]>()
  for (const one of candidates) {
    const key = JSON.stringify(one.lost.map((row) => [couplingName(row), row.reason]))
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups.values()]
    .map((group) => describeLosses(group.map(({ method }) => method).join(', '), group[0].lost))
    .join('')
}

const nanoseconds = ({ median }: Interval): string => digits(1e9 * median)

const columns: Column<Candidate & { onFront: boolean }>[] = [
  { title: 'product', align: 'left', cell: ({ method }) => METHODS[method].title },
  { title: 'method', align: 'left', cell: ({ method }) => method },
  { title: 'couplings', cell: ({ couplings, lost }) => `${couplings - lost.length} of ${couplings}` },
  { title: 'outputs', cell: ({ outputs }) => `${outputs}` },
  { title: 'expressivity', cell: ({ expressivity }) => `${expressivity}` },
  { title: 'forward', cell: ({ forward }) => nanoseconds(forward) },
  { title: 'backward', cell: ({ backward }) => nanoseconds(backward) },
  { title: 'both', cell: ({ seconds }) => nanoseconds(seconds) },
  {
    title: 'p10 .. p90',
    cell: ({ seconds: { p10, p90 } }) => `${digits(1e9 * p10)} .. ${digits(1e9 * p90)}`,
  },
  { title: 'both/dof', cell: ({ secondsPerDegreeOfFreedom }) => digits(1e9 * secondsPerDegreeOfFreedom) },
  { title: 'error', cell: ({ error }) => scientific(error) },
  { title: 'front', align: 'left', cell: ({ onFront }) => (onFront ? 'yes' : '') },
]

const missing: Column<Candidate> = { title: 'lacks', align: 'left', cell: (row) => row.missing.join(', ') }
