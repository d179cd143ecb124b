import type { Random } from '../o3/random.js'
import type { Product } from '../product/index.js'
import { passDims, PASSES, type Pass } from './passes.js'
import { type Errors, errorsOfRun, normals } from './selftest-case.js'

/** The errors of a product without weights. */
export function productErrors(product: Product, batch: number, random: Random): Errors {
  const { forward, backward, doubleBackward } = PASSES
  const values = passError(product, forward, batch, random)
  const slopes = [backward, doubleBackward].map((pass) => passError(product, pass, batch, random))
  return { values, derivatives: Math.max(...slopes) }
}

/** The largest error of any of its results. */
export function passError(product: Product, pass: Pass, batch: number, random: Random): number {
  const dims = passDims(product)
  const inputs = pass.inputs.map((operand) => normals(random, batch * dims[operand]))
  const run = errorsOfRun(product.device, inputs, pass.reference(product, inputs), (arrays, outs) => {
    pass.run(product, arrays, outs)
  })
  return Math.max(...run)
}
