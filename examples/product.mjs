// One tensor product, from an ECMAScript module: two sets of features, 64 channels of scalars, vectors and rank-2 tensors.
import { allocate, GauntTensorProduct, Irreps, Random, rotate, randomRotation } from 'gauntlet'

const irreps = new Irreps('64x0e + 64x1o + 64x2e')
const product = new GauntTensorProduct(irreps, irreps, irreps)
console.log(`${product.paths.length} paths on ${product.device}, ${product.irrepsOut.dim} numbers per sample`)

// Any Float32Array will do; allocated ones are used in place by asynchronous calls too.
const batch = 1000
const random = new Random(1)
const x1 = allocate(batch * irreps.dim)
const x2 = allocate(batch * irreps.dim)
x1.set(random.normals(x1.length))
x2.set(random.normals(x2.length))

const out = product.forward(x1, x2)
const again = await product.forwardAsync(x1, x2)
console.log(
  'the same off the event loop:',
  again.every((value, i) => value === out[i]),
)

// Turning the inputs turns the output.
const matrix = randomRotation(random)
const turned = product.forward(
  Float32Array.from(rotate(irreps, matrix, x1)),
  Float32Array.from(rotate(irreps, matrix, x2)),
)
const expected = rotate(irreps, matrix, out)
const norm = (values) => Math.hypot(...values)
console.log(
  'equivariance error:',
  norm(turned.slice(0, 576).map((v, i) => v - expected[i])) / norm(expected.slice(0, 576)),
)

product.dispose()
