import type { Irreps, IrrepsLike } from '../o3/irreps.js'
import { GauntletError } from '../runtime/errors.js'
import { Circuit, type Value } from './circuit.js'
import { Contraction, type ContractionForm, type ContractionOptions, type WeightPart } from './contraction.js'
import { contractionArguments } from './contraction-arguments.js'
import type { Mixing } from './contraction-table.js'
import { type SymmetricPaths, symmetricPaths } from './symmetric-polynomials.js'

/** A weight part with what it belongs to: output block, number of factors. */
interface Part extends WeightPart {
  out: number
  degree: number
}

/**
 * MACE's symmetric contraction: the product of up to `correlation` factors, all of them the features of one node and channel,
 *
 *     out[c, m] = sum over n = 1..correlation, paths k, i1..in of
 *                 weight[n][element, k, c] * U[n][m, i1, ..., in, k] * x[c, i1] * ... * x[c, in]
 *
 * with MACE's tensors U, their paths in its order and with its normalization, and its parameters: for output block n, as
 * `weightParts` lists them,
 *
 *     contractions.n.weights_max   [elements, paths, channels]   of products of `correlation` factors
 *     contractions.n.weights.0     [elements, paths, channels]   of one factor less, and so on
 *
 * so that published weights can be used as they are (full basis; numbers of factors that reach the output by no path have no
 * part). Since all factors are equal most paths depend on each other: weights are mixed first, once for every element, and only
 * the independent polynomials are evaluated.
 *
 * Source: Batatia et al., NeurIPS 2022 (arXiv 2206.07697).
 *
 * @example
 * using contraction = new SymmetricContraction('64x0e+64x1o+64x2e', '64x0e+64x1o', { correlation: 3, elements: 4 })
 * const weight = new Float32Array(contraction.weightNumel)
 * const { 'contractions.0.weights_max': scalars } = contraction.weightViews(weight) // [4, 11, 64]
 * const out = contraction.forward(x, elements, weight) // [nodes, 64 + 192]
 */
export class SymmetricContraction extends Contraction {
  readonly correlation: number

  /**
   * @param irrepsIn every block with the same multiplicity, the channels
   * @param irrepsOut the same
   * @throws GauntletError ERR_IRREPS, ERR_ARGUMENT, ERR_DEVICE, ERR_UNREACHABLE where no product reaches an output block
   */
  constructor(irrepsIn: IrrepsLike, irrepsOut: IrrepsLike, options: ContractionOptions) {
    const { from, to, channels, correlation, elements } = contractionArguments(irrepsIn, irrepsOut, options)
    const paths = symmetricPaths(
      [...from].map(({ ir }) => ir),
      [...to].map(({ ir }) => ir),
      correlation,
    )
    for (const [n, { ir }] of [...to].entries()) {
      if (paths[n].some((list) => list.polynomials.length > 0)) continue
      throw new GauntletError(
        'ERR_UNREACHABLE',
        `No product of at most ${correlation} factors of "${from.toString()}" holds ${ir.toString()}: parities multiply and degrees ` +
          `obey the triangle rule, and what is antisymmetric in two equal factors vanishes`,
      )
    }
    const parts = layOut(paths, channels, elements)
    const weightParts = parts.map(({ name, offset, shape }) => ({ name, offset, shape }))
    const form = (): ContractionForm => makeForm(paths, parts, from, to)
    super({ irrepsIn: from, irrepsOut: to, channels, elements, weightParts, form }, options)
    this.correlation = correlation
  }
}

function layOut(paths: readonly (readonly SymmetricPaths[])[], channels: number, elements: number): Part[] {
  let offset = 0
  return paths.flatMap((list, out) =>
    list
      .toReversed()
      .filter((of) => of.paths > 0)
      .map((of): Part => {
        const factors = of.degree === list.length ? 'weights_max' : `weights.${list.length - of.degree - 1}`
        const name = `contractions.${out}.${factors}`
        const part = { name, offset, shape: [elements, of.paths, channels] as const, out, degree: of.degree }
        offset += elements * of.paths * channels
        return part
      }),
  )
}

/** L = sum over output components of gradOut * sum over polynomials of mixed weight * polynomial(x). */
function makeForm(
  paths: readonly (readonly SymmetricPaths[])[],
  parts: readonly Part[],
  irrepsIn: Irreps,
  irrepsOut: Irreps,
): ContractionForm {
  const circuit = new Circuit()
  const x = circuit.inputs([...irrepsIn].reduce((sum, { ir }) => sum + ir.dim, 0))
  // Every monomial is a shorter one times its last factor.
  const monomial = (indices: readonly number[]): Value =>
    indices.length === 1 ? x[indices[0]] : circuit.product(monomial(indices.slice(0, -1)), x[indices.at(-1)!])
  const outs = [...irrepsOut].map(({ ir }) => Array.from({ length: ir.dim }, (): [Value, Value][] => []))
  const weight: Value[] = []
  const mixing: Mixing[] = []
  parts.forEach(({ out, degree }, part) => {
    const { polynomials, mixing: coordinates } = paths[out][degree - 1]
    for (const { path, polynomial, value } of coordinates) {
      mixing.push({ part, path, mixture: weight.length + polynomial, value })
    }
    for (const polynomial of polynomials) {
      const mixture = circuit.input()
      weight.push(mixture)
      polynomial.forEach((terms, m) => {
        if (terms.length === 0) return
        const multiples = terms.map(({ indices, value }) => ({ of: monomial(indices), factor: value }))
        outs[out][m].push([mixture, circuit.sum([], multiples)])
      })
    }
  })
  const sums = outs.flat().map((products) => circuit.sum(products))
  const gradOut = circuit.inputs(sums.length)
  const scalar = circuit.sum(sums.map((sum, n) => [gradOut[n], sum]))
  return { circuit, x, gradOut, weight, scalar, mixing }
}
