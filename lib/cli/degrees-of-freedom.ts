import { expressivity, type ProductStructure } from '../analysis/index.js'
import { Irreps } from '../o3/irreps.js'

const known = new Map<string, number>()

/**
 * The expressivity of one channel of a product with so many channels of every irrep: the dimension of the maps that it reaches
 * between linear layers. Xie et al., "The Price of Freedom", ICML 2025, normalize times by it.
 *
 * Where every path has an output of its own the last layer weighs each alone, so it is their number; elsewhere it is computed
 * (`expressivity`), once for each map.
 */
export function expressivityOfChannel(product: ProductStructure, channels: number): number {
  const [irrepsIn1, irrepsIn2, irrepsOut] = [product.irrepsIn1, product.irrepsIn2, product.irrepsOut].map((irreps) => {
    return new Irreps([...irreps].map(({ mul, ir }) => ({ mul: mul / channels, ir })))
  })
  const { paths } = product
  const outputs = new Set(paths.map(({ out }) => out))
  if (outputs.size === paths.length && [irrepsIn1, irrepsIn2, irrepsOut].every(hasSingleChannels)) return paths.length
  const couplings = paths.map(({ in1, in2, out, coefficient }) => [in1, in2, out, coefficient])
  const key = JSON.stringify([irrepsIn1, irrepsIn2, irrepsOut, couplings])
  const found = known.get(key) ?? expressivity({ ...structureOf(product), irrepsIn1, irrepsIn2, irrepsOut }).reached
  known.set(key, found)
  return found
}

function structureOf({ paths, channels, weightNumel }: ProductStructure) {
  return { paths, channels, weightNumel }
}

function hasSingleChannels(irreps: Irreps): boolean {
  return [...irreps].every(({ mul }) => mul === 1)
}
