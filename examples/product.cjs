// The full Clebsch-Gordan product, from CommonJS: the cross product of two vectors is its path 1o x 1o -> 1e.
const { FullTensorProduct } = require('gauntlet')

const product = new FullTensorProduct('1o', '1o')
console.log(`1o x 1o = ${product.irrepsOut}`)

const x = new Float32Array([1, 0, 0])
const y = new Float32Array([0, 1, 0])
const out = product.forward(x, y)

for (const [block, { start, end }] of product.irrepsOut.slices().entries()) {
  const values = Array.from(out.subarray(start, end), (value) => value.toFixed(4))
  console.log(`${product.irrepsOut.at(block).ir}: ${values.join(' ')}`)
}

product.dispose()
