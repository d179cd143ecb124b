import { tripleName } from '../analysis/coupled-channels.js'
import { Irreps } from '../o3/irreps.js'
import { isTriangle } from '../o3/wigner.js'
import { expected, GauntletError } from '../runtime/errors.js'
import { CRITERIA, eligible, paretoFront, recommend } from './advice.js'
import { describeAdvice } from './advice-report.js'
import { usualBatch } from './bench-case.js'
import { type Candidate, measureCandidate } from './candidate.js'
import { defineCommand } from './command.js'
import { chooseDevice, deviceOptions } from './device.js'
import { provenance } from './machine.js'
import { checkReached, METHOD_NAMES, METHODS, type Sides } from './methods.js'
import { choice, type Coupling, couplings, decimal, flag, integer, irreps, names } from './options.js'

const USUAL = '0e+1o+2e'

export const command = defineCommand({
  positionals: [],
  about: `Says which product to take for given irreps: measures every candidate here, forward and backward, and weighs
what it costs against what it can express.

For each it tells the couplings l1 x l2 -> l3 that it lacks and why, its expressivity (the dimension of the
maps that one channel reaches between linear layers: its degrees of freedom), its times for one channel of
one sample, and whether it is on the front: no other is as fast and as expressive, and better in one of
both. Recommended is the one with the least time for each degree of freedom, or the least time (--by time),
of those that have every coupling named by --require; where there is none, the exit status is 1.`,
  examples: [
    'gauntlet advise --lmax 3',
    'gauntlet advise --in1 0e+1o+2e --in2 0e+1o --out 0e+1o --channels 128 --batch 5000',
    'gauntlet advise --lmax 6 --require 1o,1o,1e --require 2e,1o,2o --by time',
    'gauntlet advise --in1 0e+1e --threads 1 --json > advice.json',
  ],
  options: {
    lmax: integer('L', 'all l <= L of parity (-1)^l as the first input', { min: 0, max: 10 }),
    in1: irreps('IRREPS', `of the first input, each once (${USUAL})`),
    in2: irreps('IRREPS', 'of the second input (those of the first)'),
    out: irreps('IRREPS', 'wanted of the output (all that triangle and parity allow)'),
    channels: integer('N', 'of every irrep; channel u meets channel u', { min: 1, max: 4096, initial: 64 }),
    batch: integer('N', 'samples (as many as bench takes)', { min: 1, max: 1e7 }),
    require: couplings('L1,L2,L3', 'a coupling that must be had, as 1o,1o,1e; may be given several times'),
    by: choice('WHAT', 'dof: least time for each degree of freedom; time: least time', CRITERIA),
    methods: names('LIST', 'candidates', METHOD_NAMES),
    ...deviceOptions,
    seconds: decimal('S', 'time for each candidate and pass, about', { min: 0.01, max: 600, initial: 0.5 }),
    json: flag('one JSON document instead of a table'),
  },
  check: (values) => {
    const sides = sidesOf(values)
    for (const coupling of values.require) checkRequired(coupling, sides)
  },
  run: (values, _, io) => {
    const { channels, methods, by } = values
    const device = chooseDevice(values)
    const sides = sidesOf(values)
    const batch = values.batch ?? usualBatch(sides, channels)
    const required = values.require.map((coupling) => tripleName(...coupling))
    const trial = { sides, channels, batch, device, budget: values.seconds, required }
    const found = methods.map((method, n) => {
      io.progress(`${METHODS[method].title} (${n + 1} of ${methods.length})`)
      return measureCandidate(method, trial)
    })
    io.progress('')
    const candidates = found.filter((one): one is Candidate => one !== undefined)
    const unfit = methods.filter((_, n) => found[n] === undefined)
    const front = new Set(paretoFront(eligible(candidates)).map(({ method }) => method))
    const offers = candidates.map((one) => ({ ...one, lost: one.lost.length }))
    const recommendation = recommend(offers, by, required)
    const advice = {
      ...{ provenance: provenance(device), ...sides, channels, batch, required, by, unfit },
      candidates: candidates.map((one) => ({ ...one, onFront: front.has(one.method) })),
      recommendation: recommendation ?? null,
    }
    io.out(values.json ? `${JSON.stringify(advice, null, 2)}\n` : describeAdvice(advice))
    if (recommendation) return 0
    io.err(
      `gauntlet advise: none of ${methods.join(', ')} has ${required.join(', ') || 'a coupling into these irreps'}\n`,
    )
    return 1
  },
})

/** The irreps that are meant, each once. Throws ERR_ARGUMENT where they make no product. */
function sidesOf(values: {
  lmax: number | undefined
  in1: Irreps | undefined
  in2: Irreps | undefined
  out: Irreps | undefined
}): Sides {
  if (values.lmax !== undefined && values.in1 !== undefined) {
    throw new GauntletError('ERR_ARGUMENT', '--lmax L stands for --in1 IRREPS: give one of both')
  }
  const in1 = values.in1 ?? (values.lmax === undefined ? new Irreps(USUAL) : Irreps.sphericalHarmonics(values.lmax))
  const in2 = values.in2 ?? in1
  checkOnce('--in1', in1)
  checkOnce('--in2', in2)
  const out = values.out ?? new Irreps(in1.product(in2))
  checkOnce('--out', out)
  checkReached({ in1, in2, out })
  return { in1, in2, out }
}

function checkOnce(name: string, irreps: Irreps): void {
  const blocks = [...irreps]
  const once = new Set(blocks.map(({ ir }) => ir.toString())).size === blocks.length
  if (blocks.length > 0 && once && blocks.every(({ mul }) => mul === 1)) return
  throw expected('every irrep once, as 0e+1o+2e (--channels says how many there are of each)', name, irreps.toString())
}

/** Throws ERR_ARGUMENT, with the reason, for a coupling that no product can have. */
function checkRequired([a, b, c]: Coupling, { in1, in2, out }: Sides): void {
  const reasons = [
    !in1.has(a) && `--in1 has no ${a.toString()}`,
    !in2.has(b) && `--in2 has no ${b.toString()}`,
    !isTriangle(a.l, b.l, c.l) && '|l1-l2| <= l3 <= l1+l2 does not hold',
    a.p * b.p !== c.p && 'its parity is not that of the inputs together',
    !out.has(c) && `--out has no ${c.toString()}`,
  ]
  const reason = reasons.find((one) => one !== false)
  if (reason === undefined) return
  throw new GauntletError('ERR_ARGUMENT', `--require: no product can have ${tripleName(a, b, c)}: ${reason}`)
}
