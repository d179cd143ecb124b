import { Irreps } from '../o3/irreps.js'
import { expected } from '../runtime/errors.js'
import {
  FullTensorProduct,
  GauntTensorProduct,
  type GauntTensorProductOptions,
  MatrixTensorProduct,
  type Product,
  VectorTensorProduct,
} from '../product/index.js'
import type { DeviceOption } from '../runtime/index.js'
import type { FloorName, Shape } from './floors.js'

/** What is coupled with what. Every irrep has the same number of channels, and channel u meets channel u. */
export interface Setting {
  in1: Irreps
  in2: Irreps
  /** What a product keeps; `all`: everything it reaches. */
  out: Irreps | 'all'
}

export const SETTING_NAMES = ['siso', 'simo', 'mimo', 'full'] as const
export type SettingName = (typeof SETTING_NAMES)[number]

/** The settings of the literature at one lmax; see `SETTING_MEANINGS`. */
export function setting(name: SettingName, lmax: number, channels: number): Setting {
  const block = (l: number, parity: 'e' | 'o' | 'y'): string => `${channels}x${l}${parity}`
  const upTo = (last: number, parity: 'e' | 'y', step = 1): Irreps =>
    new Irreps(Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => block(i * step, parity)).join('+'))
  const one = new Irreps(block(lmax, 'y'))
  switch (name) {
    case 'siso':
      return { in1: one, in2: one, out: new Irreps(block(lmax, 'e')) }
    case 'simo':
      return { in1: one, in2: one, out: upTo(2 * lmax, 'e', 2) }
    case 'mimo': {
      const all = upTo(lmax, 'y')
      return { in1: all, in2: all, out: upTo(2 * lmax, 'y') }
    }
    case 'full': {
      const all = upTo(lmax, 'e')
      return { in1: all, in2: all, out: 'all' }
    }
  }
}

/** What the names of settings mean, for help and for output. */
export const SETTING_MEANINGS: Record<SettingName, string> = {
  siso: 'one irrep in, one out: l x l -> l of parity e',
  simo: 'one irrep in, many out: l x l -> 0e + 2e + ... + (2l)e',
  mimo: 'many in, many out: all l <= lmax of parity (-1)^l in, all l <= 2 lmax of parity (-1)^l out',
  full: 'all l <= lmax of even parity in, every path that the triangle rule allows out',
}

export const METHOD_NAMES = [
  'cg-sparse',
  'cg-dense',
  'gaunt-sparse',
  'fourier',
  'grid',
  'grid-large',
  'vector',
  'vector-sparse',
  'matrix',
] as const
export type MethodName = (typeof METHOD_NAMES)[number]

/** One way of computing a product. */
export interface Method {
  name: MethodName
  title: string
  floor: FloorName
  /** Why it lacks couplings that triangle and parity rule allow; Clebsch-Gordan has them all. */
  loss?: string
  create(in1: Irreps, in2: Irreps, out: Irreps | 'all', device: DeviceOption): Product
}

/** What Gaunt products lose. */
export const ODD_PATHS = 'odd l1 + l2 + l3'

export const METHODS: Record<MethodName, Method> = {
  'cg-sparse': clebschGordan('cg-sparse', 'Clebsch-Gordan, sparse', 'sparse'),
  'cg-dense': clebschGordan('cg-dense', 'Clebsch-Gordan, dense', 'dense'),
  'gaunt-sparse': gaunt('gaunt-sparse', 'Gaunt, sparse', 'sparse-summed', () => ({ algorithm: 'sparse' })),
  fourier: gaunt('fourier', 'Gaunt, 2D Fourier', 'fourier', () => ({ algorithm: 'fourier' })),
  grid: gaunt('grid', 'Gaunt, sphere grid', 'grid', () => ({ algorithm: 'grid' })),
  'grid-large': gaunt('grid-large', 'Gaunt, sphere grid of twice the size', 'grid', (total) => ({
    algorithm: 'grid',
    grid: { resBeta: 2 * (Math.floor(total / 2) + 1), resAlpha: 2 * (total + 1) },
  })),
  vector: vector('vector', 'Gaunt and bracket, sphere grid', 'grid', 'grid'),
  'vector-sparse': vector('vector-sparse', 'Gaunt and bracket, sparse', 'sparse-summed', 'sparse'),
  matrix: {
    name: 'matrix',
    title: 'matrix product',
    floor: 'matrix',
    loss: 'a 6j symbol that vanishes',
    create: (in1, in2, out, device) => new MatrixTensorProduct(in1, in2, out === 'all' ? undefined : out, { device }),
  },
}

function clebschGordan(name: MethodName, title: string, implementation: 'sparse' | 'dense'): Method {
  return {
    name,
    title,
    floor: implementation === 'sparse' ? 'sparse-kept' : 'dense-kept',
    create: (in1, in2, out, device) => {
      const filterIrOut = out === 'all' ? undefined : [...out].map(({ ir }) => ir)
      return new FullTensorProduct(in1, in2, { channels: 'each', filterIrOut, implementation, device })
    },
  }
}

/** `options` is given the sum of the three largest degrees, which decides what grid is exact. */
function gaunt(
  name: MethodName,
  title: string,
  floor: FloorName,
  options: (total: number) => GauntTensorProductOptions,
): Method {
  return {
    name,
    title,
    floor,
    loss: ODD_PATHS,
    create: (in1, in2, out, device) => {
      const kept = out === 'all' ? undefined : out
      const total = in1.lmax + in2.lmax + (kept?.lmax ?? in1.lmax + in2.lmax)
      return new GauntTensorProduct(in1, in2, kept, { ...options(total), device })
    },
  }
}

function vector(name: MethodName, title: string, floor: FloorName, algorithm: 'grid' | 'sparse'): Method {
  return {
    name,
    title,
    floor,
    create: (in1, in2, out, device) => {
      return new VectorTensorProduct(in1, in2, out === 'all' ? undefined : out, { algorithm, device })
    },
  }
}

/** A setting that names what is to come out. */
export interface Sides extends Setting {
  out: Irreps
}

/** @throws GauntletError ERR_ARGUMENT for an output irrep that no product of the inputs reaches */
export function checkReached({ in1, in2, out }: Sides): void {
  const reached = new Irreps(in1.product(in2))
  const beyond = [...out].find(({ ir }) => !reached.has(ir))
  if (!beyond) return
  throw expected(`irreps out of ${reached.toString()}, which the inputs reach`, '--out', beyond.ir.toString())
}

/** The method's product into those irreps of `out` that it reaches; into all that it reaches where it reaches none of them. */
export function createInto(method: Method, { in1, in2, out }: Sides, device: DeviceOption): Product {
  const all = method.create(in1, in2, 'all', device)
  const kept = all.irrepsOut.filter(({ ir }) => out.has(ir))
  if (kept.length === 0 || kept.length === all.irrepsOut.length) return all
  all.dispose()
  return method.create(in1, in2, kept, device)
}

/** A product by its degrees, for counting. */
export function shapeOf(product: Product): Shape {
  const degrees = (irreps: Irreps, used: Set<number>): number[] =>
    [...irreps].filter((_, i) => used.has(i)).map(({ ir }) => ir.l)
  return {
    in1: degrees(product.irrepsIn1, new Set(product.paths.map((path) => path.in1))),
    in2: degrees(product.irrepsIn2, new Set(product.paths.map((path) => path.in2))),
    out: degrees(product.irrepsOut, new Set(product.paths.map((path) => path.out))),
    paths: product.paths.map(({ l1, l2, l3 }) => [l1, l2, l3] as const),
  }
}
