import {
  FullTensorProduct,
  GauntTensorProduct,
  MatrixTensorProduct,
  type Product,
  VectorTensorProduct,
} from '../product/index.js'

import type { DeviceOption } from '../runtime/index.js'
import {
  METHOD_NAMES,
  METHODS,
  ODD_PATHS,
  setting,
  SETTING_NAMES,
  type MethodName,
  type SettingName,
} from './methods.js'
import type { SelftestCase } from './selftest-case.js'
import { productErrors } from './selftest-products.js'

/** A product without weights. */
interface ProductCase {
  name: string
  batch: number
  create: (device: DeviceOption) => Product
}

/** Every method in every setting up to `lmax`, then sizes and irreps chosen to be awkward. */
export function productCases(lmax: number): SelftestCase[] {
  const cases = [...systematic(lmax), ...batches(), ...full(), ...gaunt(), ...vector(), ...matrix()]
  return cases.map(({ name, batch, create }) => ({
    name,
    errors: (device, random) => {
      using product = create(device)
      return productErrors(product, batch, random)
    },
  }))
}

function systematic(lmax: number): ProductCase[] {
  const cases: ProductCase[] = []
  for (let l = 0; l <= lmax; l++) {
    for (const where of SETTING_NAMES) {
      for (const method of METHOD_NAMES) {
        if (!couples(method, where, l)) continue
        // Odd numbers, so that no tile of lanes comes out full.
        const { in1, in2, out } = setting(where, l, 3)
        cases.push({
          name: `${method} ${where} lmax ${l}`,
          batch: 5,
          create: (device) => METHODS[method].create(in1, in2, out, device),
        })
      }
    }
  }
  return cases
}

/** Gaunt products have no path l x l -> l of odd l, and say so when they are made; they know nothing of `full`'s odd paths. */
export function couples(method: MethodName, where: SettingName, l: number): boolean {
  if (METHODS[method].loss !== ODD_PATHS) return true
  return where === 'siso' ? l % 2 === 0 : where !== 'full'
}

/** Batches and channels on both sides of the sizes at which kernels change over: 16 lanes, 64 lanes, whole tiles. */
function batches(): ProductCase[] {
  const cases: ProductCase[] = []
  for (const method of METHOD_NAMES) {
    for (const [batch, channels] of [
      [1, 1],
      [1, 17],
      [37, 1],
      [129, 2],
      [2, 64],
      [3, 130],
    ]) {
      const { in1, in2, out } = setting('mimo', 2, channels)
      cases.push({
        name: `${method} mimo lmax 2, ${batch} x ${channels} channels`,
        batch,
        create: (device) => METHODS[method].create(in1, in2, out, device),
      })
    }
  }
  return cases
}

function full(): ProductCase[] {
  const cases: ProductCase[] = []
  for (const implementation of ['sparse', 'dense'] as const) {
    const add = (name: string, in1: string, in2: string, options: object = {}, batch = 7): void => {
      cases.push({
        name: `full ${implementation} ${name}`,
        batch,
        create: (device) => new FullTensorProduct(in1, in2, { ...options, implementation, device }),
      })
    }
    add('outer, uneven multiplicities', '3x0e+2x1o+1x2e', '5x0e+1x1o+2x3o')
    add('outer, 17 x 5 channels', '17x1o+17x2e', '5x1o+5x0e', {}, 3)
    add('outer, one channel', '0e+1o+2e+3o', '0e+1o+2e+3o', {}, 19)
    add('outer, both parities', '2x0o+3x1e+1x2o+1x1o', '1x1o+2x2e+3x0o')
    add('outer, repeated and empty blocks', '1o+0x2e+2x1o+0e', '2x1o+0x0e+1o')
    add('outer, norm normalization', '2x0e+2x1o+2x2e', '1x1o+1x2e', { irrepNormalization: 'norm' })
    add('outer, filtered', '4x1o+4x2e', '4x1o+4x2e', { filterIrOut: ['1e', '2o', '3o'] })
    add('outer, the cross product', '1o', '1o', { filterIrOut: ['1e'] }, 65)
    add('outer, high and low', '2x8e', '3x1o+1x7o', {}, 2)
    add('channelwise, uneven multiplicities', '5x0e+2x1o+7x2e', '3x0e+4x1o+6x2e', { channels: 'each' })
    add('channelwise, both parities', '4x0o+4x1e+4x2o', '4x1o+4x2e', { channels: 'each' }, 21)
  }
  return cases
}

function gaunt(): ProductCase[] {
  const cases: ProductCase[] = []
  for (const algorithm of ['sparse', 'fourier', 'grid'] as const) {
    const add = (name: string, in1: string, in2: string, out?: string, options: object = {}): void => {
      cases.push({
        name: `gaunt ${algorithm} ${name}`,
        batch: 9,
        create: (device) => new GauntTensorProduct(in1, in2, out, { ...options, algorithm, device }),
      })
    }
    add('everything it reaches', '5x0e+5x1o+5x2e', '5x0e+5x1o+5x2e')
    add('odd degrees only', '4x1o+4x3o', '4x1o+4x5o')
    add('pseudo irreps', '3x0o+3x1e+3x2e', '3x1o+3x2o')
    add('unequal degrees', '6x0e+6x1o', '6x0e+6x1o+6x2e+6x3o+6x4e', '6x2e+6x5o')
    add('gaps', '2x0e+2x4e', '2x3o', '2x1o+2x7o')
    add('uneven multiplicities', '5x0e+2x1o+7x2e', '3x0e+4x1o+6x2e', '3x0e+2x1o+2x2e')
    add('repeated blocks', '2x1o+2x1o+2x0e', '2x1o+2x0e', '2x1o+2x0e+2x1o')
    if (algorithm !== 'grid') continue
    add('on more rings', '4x0e+4x1o+4x2e', '4x0e+4x1o+4x2e', '4x0e+4x2e', { grid: { resBeta: 9 } })
    add('on more meridians', '4x0e+4x1o+4x2e', '4x0e+4x1o+4x2e', '4x0e+4x2e', { grid: { resAlpha: 12 } })
    add('on a large grid of odd size', '4x2e+4x3o', '4x2e+4x3o', '4x0e+4x1o', { grid: { resBeta: 15, resAlpha: 31 } })
  }
  return cases
}

function vector(): ProductCase[] {
  const cases: ProductCase[] = []
  const add = (name: string, in1: string, in2: string, out?: string, options: object = {}): void => {
    for (const algorithm of ['grid', 'sparse'] as const) {
      if (algorithm === 'sparse' && 'grid' in options) continue
      cases.push({
        name: `vector ${algorithm} ${name}`,
        batch: 9,
        create: (device) => new VectorTensorProduct(in1, in2, out, { ...options, algorithm, device }),
      })
    }
  }
  add('everything it reaches', '5x0e+5x1o+5x2e', '5x0e+5x1o+5x2e')
  add('the cross product', '4x1o', '4x1o', '4x1e')
  add('odd paths only', '4x3o+4x4e', '4x5o', '4x3e+4x4o+4x7e')
  add('both parities', '3x0o+3x1e+3x2o+3x1o', '3x1o+3x2e')
  add('uneven multiplicities', '5x0e+2x1o+7x2e', '3x0e+4x1o+6x2e', '3x0e+2x1o+2x1e+5x2e')
  add('repeated blocks', '2x1o+2x1o+2x0e', '2x1o+2x0e', '2x1o+2x1e+2x1o')
  add('on a large grid of odd size', '4x2e+4x3o', '4x2e+4x3o', '4x1e+4x2o', { grid: { resBeta: 15, resAlpha: 31 } })
  return cases
}

function matrix(): ProductCase[] {
  const cases: ProductCase[] = []
  const add = (name: string, in1: string, in2: string, out?: string, options: object = {}): void => {
    cases.push({
      name: `matrix ${name}`,
      batch: 9,
      create: (device) => new MatrixTensorProduct(in1, in2, out, { ...options, device }),
    })
  }
  add('everything it reaches', '5x0e+5x1o+5x2e', '5x0e+5x1o+5x2e')
  add('both parities', '3x0o+3x1e+3x2o+3x1o', '3x1o+3x2e')
  add('one degree into its neighbours', '4x3o', '4x2e', '4x2o+4x3o+4x4o')
  add('uneven multiplicities', '5x0e+2x1o+7x2e', '3x0e+4x1o+6x2e', '3x0e+2x1o+2x2e')
  add('larger matrices', '4x0e+4x1o', '4x0e+4x1o', '4x0e+4x1e+4x2e', { degree: 4 })
  return cases
}
