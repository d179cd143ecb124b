import { SphericalHarmonics } from '../edge/harmonics.js'
import { harmonics } from '../o3/harmonics.js'
import { Irreps } from '../o3/irreps.js'
import type { Instruction } from '../product/instruction.js'
import type { ProductOptions } from '../product/product.js'
import { TensorProduct } from '../product/tensor-product.js'
import type { FloatArray } from '../runtime/execute.js'
import type { Kernels } from './kernels.js'
import { partial } from './multilinear.js'
import { productForm } from './products.js'
import { columns } from './rows.js'
import { checkShape, type Operation, type Rows, Tensor } from './tensor.js'

/**
 * Spherical harmonics of degree 0..lmax as polynomials of vectors, in the normalization `component`: Y_l(r) = |r|^l Y_l(r / |r|).
 * Each degree's derivative is a Clebsch-Gordan product with the degree below,
 *
 *     (v . grad) Y_lm(r) = sqrt(l) (2l + 1) sum over j, m' of  wigner3j(1, l-1, l)[j, m', m] * v_j * Y_l-1,m'(r)
 *
 * (the factor is that which Euler's theorem, (r . grad) Y_l = l Y_l, asks for), so that derivatives of any order are products.
 *
 * @example
 * const harmonics = new SolidHarmonics(3)
 * const attributes = harmonics.of(unitVectors) // [edges, 3] -> [edges, 16]
 */
export class SolidHarmonics {
  readonly lmax: number
  readonly irrepsOut: Irreps
  readonly #native: SphericalHarmonics
  readonly #slope: TensorProduct | undefined

  constructor(lmax: number, { device }: ProductOptions = {}) {
    this.#native = new SphericalHarmonics(lmax, { normalization: 'component', normalize: false, device })
    this.lmax = lmax
    this.irrepsOut = this.#native.irrepsOut
    const instructions = Array.from({ length: lmax }, (_, n): Instruction => {
      const l = n + 1
      return { in1: 0, in2: n, out: n, mode: 'uuu', hasWeight: false, pathWeight: l * (2 * l + 1) }
    })
    const higher = new Irreps([...this.irrepsOut].slice(1))
    if (lmax > 0) {
      this.#slope = new TensorProduct('1o', Irreps.sphericalHarmonics(lmax - 1), higher, instructions, { device })
    }
  }

  /** [rows, 3] -> [rows, (lmax + 1)^2] */
  of(vectors: Tensor): Tensor {
    checkShape(vectors, vectors.rows, 3, 'vectors')
    return new Tensor(new Harmonics(vectors.rows, this.lmax, this.#native, this.#slope), [vectors])
  }
}

class Harmonics implements Operation {
  readonly key: string
  readonly dim: number

  constructor(
    readonly rows: Rows,
    readonly lmax: number,
    readonly values: SphericalHarmonics,
    readonly slope: TensorProduct | undefined,
  ) {
    this.key = `harmonics ${lmax}`
    this.dim = (lmax + 1) ** 2
  }

  vjp([vectors]: readonly Tensor[], grad: Tensor): (Tensor | undefined)[] {
    if (this.slope === undefined) return [undefined]
    const lower = columns(new Tensor(this, [vectors]), 0, this.lmax ** 2)
    return [partial(productForm(this.slope, this.rows), 0, [lower, columns(grad, 1, this.dim - 1)])]
  }

  reference([vectors]: readonly Float64Array[], out: Float64Array): void {
    out.set(harmonics(this.lmax, vectors, { normalization: 'component', normalize: false }))
  }

  native(_kernels: Kernels, [vectors]: readonly FloatArray[], out: FloatArray): void {
    this.values.forward(vectors, { out })
  }
}
