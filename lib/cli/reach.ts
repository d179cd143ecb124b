import { expressivity } from '../analysis/index.js'
import { METHODS, type MethodName, setting, type SettingName } from './methods.js'

/** Methods that compute the same map, and so reach the same. */
const SAME_MAP: Partial<Record<MethodName, MethodName>> = {
  'cg-dense': 'cg-sparse',
  fourier: 'gaunt-sparse',
  grid: 'gaunt-sparse',
  'grid-large': 'gaunt-sparse',
  vector: 'vector-sparse',
}

const known = new Map<string, number>()

/**
 * The expressivity of one channel of a method in a setting: how many dimensions of equivariant bilinear maps it reaches between
 * linear layers (see `expressivity`).
 */
export function reached(method: MethodName, where: SettingName, lmax: number): number {
  const map = SAME_MAP[method] ?? method
  const key = `${map} ${where} ${lmax}`
  let dimensions = known.get(key)
  if (dimensions === undefined) {
    const { in1, in2, out } = setting(where, lmax, 1)
    using product = METHODS[map].create(in1, in2, out, 'cpu')
    // Clebsch-Gordan keeps paths apart, so the layer behind weighs each by a number of its own: all are reached.
    dimensions = map === 'cg-sparse' ? product.paths.length : expressivity(product).reached
    known.set(key, dimensions)
  }
  return dimensions
}
