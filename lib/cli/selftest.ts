import { Random } from '../o3/random.js'
import { referenceForward, type Product } from '../product/index.js'
import { DeviceArray, GauntletError, type DeviceOption } from '../runtime/index.js'
import { defineCommand } from './command.js'
import { relativeError } from './comparison.js'
import { chooseDevice, deviceOptions } from './device.js'
import { scientific } from './format.js'
import { describeProvenance, provenance } from './machine.js'
import { flag, integer } from './options.js'
import { selftestCases, type SelftestCase } from './selftest-cases.js'
import { edgeCases, edgeErrors, type EdgeCase } from './selftest-edges.js'

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
  about: `Checks every form of every product, spherical harmonics and radial functions, at many sizes, against a float64
reference that shares no code with the kernels, on fresh random inputs. The output is filled with NaN before each call.
Prints ||out - reference|| / ||reference|| of each case, which has to stay below ${TOLERANCE.toExponential()}
(${DERIVATIVE_TOLERANCE.toExponential()} for derivatives); exits with status 1 if any case fails. Needs nothing but the
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
    const cases: (SelftestCase | EdgeCase)[] = [
      ...selftestCases(values.quick ? Math.min(2, values.lmax) : values.lmax),
      ...edgeCases(values.quick),
    ]
    const outcomes: Outcome[] = []
    if (!values.json) io.out(`${describeProvenance(provenance(device))}\ndevice ${device}, seed ${seed}\n`)
    for (const [index, one] of cases.entries()) {
      io.progress(`${index + 1} of ${cases.length}: ${one.name}`)
      for (const outcome of 'batch' in one ? [check(one, device, random)] : checkEdges(one, device, random)) {
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

function check({ name, batch, create }: SelftestCase, device: DeviceOption, random: Random): Outcome {
  let product: Product | undefined
  try {
    product = create(device)
    const x1 = Float32Array.from(random.normals(batch * product.irrepsIn1.dim))
    const x2 = Float32Array.from(random.normals(batch * product.irrepsIn2.dim))
    const expected = referenceForward(product, x1, x2)
    const errors = [onHost(product, x1, x2), ...(product.device === 'cpu' ? [] : [onDevice(product, x1, x2)])].map(
      (out) => relativeError(out, expected),
    )
    // NaN, left from before the call or made by it, must not hide behind a smaller number.
    const error = errors.some((value) => Number.isNaN(value)) ? NaN : Math.max(...errors)
    if (!expected.some((value) => value !== 0))
      return { name, error: null, passed: false, message: 'the reference is zero' }
    if (Number.isNaN(error))
      return { name, error: null, passed: false, message: 'parts of the output are NaN or were not written' }
    return { name, error, passed: error < TOLERANCE }
  } catch (error) {
    if (!(error instanceof GauntletError)) throw error
    return { name, error: null, passed: false, message: `${error.code}: ${error.message}` }
  } finally {
    product?.dispose()
  }
}

/** One outcome for the values of an edge function and one for its derivatives. */
function checkEdges(one: EdgeCase, device: DeviceOption, random: Random): Outcome[] {
  const names = [one.name, `${one.name}, derivatives`]
  try {
    using edgeFunction = one.create(device)
    const { values, derivatives } = edgeErrors(edgeFunction, one, random)
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

function onHost(product: Product, x1: Float32Array, x2: Float32Array): Float32Array {
  const out = poisoned(x1.length / product.irrepsIn1.dim, product)
  return product.forward(x1, x2, { out })
}

/** The same with everything on the GPU before and after. */
function onDevice(product: Product, x1: Float32Array, x2: Float32Array): Float32Array {
  const out = poisoned(x1.length / product.irrepsIn1.dim, product)
  const arrays = [x1, x2, out].map((array) => DeviceArray.from(array, product.device))
  try {
    return product.forward(arrays[0], arrays[1], { out: arrays[2] }).toArray()
  } finally {
    for (const array of arrays) array.dispose()
  }
}

function poisoned(batch: number, product: Product): Float32Array {
  return new Float32Array(batch * product.irrepsOut.dim).fill(NaN)
}
