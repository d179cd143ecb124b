import { CouplingTree, entriesOf } from './symmetric-basis.js'
import type { SymmetricContraction } from './symmetric-contraction.js'

/** Arrays as SymmetricContraction has them, of any number type. */
export interface ContractionArrays {
  x: ArrayLike<number>
  elements: ArrayLike<number>
  weight: ArrayLike<number>
  gradOut: ArrayLike<number>
}

/**
 * A symmetric contraction in float64 by its definition, number by number of the tensors U, and the gradients of L = <gradOut, out>
 * as sums over the same numbers with one factor left out: it shares nothing with the circuits that native code walks.
 *
 * @returns out [nodes, irrepsOut.dim], x and weight: the gradients in their shapes
 */
export function referenceSymmetricContraction(
  contraction: SymmetricContraction,
  { x, elements, weight, gradOut }: ContractionArrays,
): { out: Float64Array; x: Float64Array; weight: Float64Array } {
  const { irrepsIn, irrepsOut, channels, weightParts, correlation } = contraction
  const nodes = elements.length
  const irreps = [...irrepsIn].map(({ ir }) => ir)
  const tree = new CouplingTree(irreps)
  const out = new Float64Array(nodes * irrepsOut.dim)
  const gradX = new Float64Array(x.length)
  const gradWeight = new Float64Array(weight.length)
  // Component i of channel c stands at start + c * step.
  const inComponents = componentsOf(irrepsIn)
  const outComponents = componentsOf(irrepsOut)

  const outBlocks = [...irrepsOut]
  for (const { name, offset, shape } of weightParts) {
    const [, block, factors] = /^contractions\.(\d+)\.weights(?:_max|\.(\d+))$/.exec(name)!
    const degree = factors === undefined ? correlation : correlation - 1 - Number(factors)
    const firstOut = outBlocks.slice(0, Number(block)).reduce((sum, { ir }) => sum + ir.dim, 0)
    tree.paths(outBlocks[Number(block)].ir, degree).forEach((path, k) => {
      for (const { m, indices, value } of entriesOf(path, irreps)) {
        const to = outComponents[firstOut + m]
        for (let node = 0; node < nodes; node++) {
          for (let c = 0; c < channels; c++) {
            const w = offset + (elements[node] * shape[1] + k) * channels + c
            const places = indices.map((i) => node * irrepsIn.dim + inComponents[i].start + c * inComponents[i].step)
            const place = node * irrepsOut.dim + to.start + c * to.step
            const product = places.reduce((all, at) => all * x[at], value)
            out[place] += weight[w] * product
            gradWeight[w] += gradOut[place] * product
            places.forEach((at, left) => {
              const others = places.reduce((all, other, n) => (n === left ? all : all * x[other]), value)
              gradX[at] += gradOut[place] * weight[w] * others
            })
          }
        }
      }
    })
  }
  return { out, x: gradX, weight: gradWeight }
}

function componentsOf(irreps: SymmetricContraction['irrepsIn']): { start: number; step: number }[] {
  const slices = irreps.slices()
  return [...irreps].flatMap(({ ir }, n) => {
    return Array.from({ length: ir.dim }, (_, m) => ({ start: slices[n].start + m, step: ir.dim }))
  })
}
