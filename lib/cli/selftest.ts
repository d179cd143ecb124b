import { Random } from '../o3/random.js'
import { GauntletError, type DeviceOption } from '../runtime/index.js'
import { defineCommand } from './command.js'
import { chooseDevice, deviceOptions } from './device.js'
import { scientific } from './format.js'
import { describeProvenance, provenance } from './machine.js'
import { flag, integer } from './options.js'
import type { SelftestCase } from './selftest-case.js'
import { productCases } from './selftest-cases.js'
import { edgeCases } from './selftest-edges.js'
import { graphCases } from './selftest-graphs.js'
import { weightedCases } from './selftest-weighted.js'

/** Float32 sums of tens of terms, every one rounded to 6e-8; a wrong coefficient is thousands of times larger. */
const TOLERANCE = 2e-6
const DERIVATIVE_TOLERANCE = 1e-5

interface Outcome {
  name: string
  /** || out - reference || / || reference || */
  error: number | null
  passed: boolean
  /** Why it has no error or did not pass. */
  message?: string
}

export const command = defineCommand({
  positionals: [],
  about: `Checks every form of every product, with and without weights, convolutions, contractions, spherical
harmonics and radial functions, at many sizes, against a float64 reference that shares no code with the kernels, on fresh random inputs, and then their gradients and second derivatives.
Every output is filled with NaN before its call. Prints ||out - reference|| / ||reference|| of each case, which has to stay
below ${TOLERANCE.toExponential()} (${DERIVATIVE_TOLERANCE.toExponential()} for derivatives); exits with status 1 if any case fails. Needs nothing but the
installed package.`,
  examples: ['gauntlet selftest', 'gauntlet selftest --device cuda --lmax 10', 'gauntlet selftest --quick --json'],
  options: {
    lmax: integer('L', 'largest degree of the systematic cases', { min: 0, max: 10, initial: 6 }),
    quick: flag('systematic cases up to lmax 2 only'),
    ...deviceOptions,
    seed: integer('N', 'of the random inputs (another at every run)', { min: 0, max: 2 ** 32 - 1 }),
    json: flag('one JSON document instead of text'),
  },
  run: (values, _, io) => {
    const device = chooseDevice(values)
    const seed = values.seed ?? Math.floor(Math.random() * 2 ** 32)
    const random = new Random(seed)
    const cases = selftestCases(values)
    const outcomes: Outcome[] = []
    if (!values.json) io.out(`${describeProvenance(provenance(device))}\ndevice ${device}, seed ${seed}\n`)
    for (const [index, one] of cases.entries()) {
      io.progress(`${index + 1} of ${cases.length}: ${one.name}`)
      for (const outcome of check(one, device, random)) {
        outcomes.push(outcome)
        if (!values.json) io.out(line(outcome))
      }
    }
    io.progress('')
    const failed = outcomes.filter(({ passed }) => !passed).length
    const worst = outcomes.reduce((a, b) => ((b.error ?? 0) > (a.error ?? 0) ? b : a))
    if (values.json) {
      const tolerances = { tolerance: TOLERANCE, derivativeTolerance: DERIVATIVE_TOLERANCE }
      const document = { provenance: provenance(device), seed, ...tolerances, failed, cases: outcomes }
      io.out(`${JSON.stringify(document, null, 2)}\n`)
    } else {
      io.out(
        `${outcomes.length} cases, ${failed} failed; largest error ${scientific(worst.error ?? NaN)} (${worst.name})\n`,
      )
    }
    return failed === 0 ? 0 : 1
  },
})

function line({ passed, error, name, message }: Outcome): string {
  const verdict = passed ? 'ok    ' : 'FAILED'
  const figure = (error === null ? '-' : scientific(error)).padStart(7)
  return `${verdict}  ${figure}  ${name}${message === undefined ? '' : `: ${message}`}\n`
}

/** One outcome for the values of a function and one for its derivatives. */
function check(one: SelftestCase, device: DeviceOption, random: Random): Outcome[] {
  const names = [one.name, `${one.name}, derivatives`]
  try {
    const { values, derivatives } = one.errors(device, random)
    return [values, derivatives].map((error, n) => {
      const name = names[n]
      if (Number.isNaN(error))
        return { name, error: null, passed: false, message: 'parts of the output are NaN or were not written' }
      return { name, error, passed: error < [TOLERANCE, DERIVATIVE_TOLERANCE][n] }
    })
  } catch (error) {
    if (!(error instanceof GauntletError)) throw error
    return names.map((name) => ({ name, error: null, passed: false, message: `${error.code}: ${error.message}` }))
  }
}

/** Every case. */
export function selftestCases({ lmax, quick }: { lmax: number; quick: boolean }): SelftestCase[] {
  return [...productCases(quick ? Math.min(2, lmax) : lmax), ...weightedCases(), ...graphCases(), ...edgeCases(quick)]
}
