// Prints, as JSON, which blocks do not come out as they went in: y = x1 * x2 and x1 = y * x2 with x2 = 1, for blocks of every size
// and several numbers of channels, at even and odd addresses, through the caches and past them. Run once for each instruction set.
const { Execution } = require('../../dist/runtime/index.js')

const CACHES = 2 ** 23 // bytes of results that are written past the caches

/**
 * y[channel, i] = x1[channel, i] * x2[channel]; see native/core/plan.cc for the order.
 *
 * @param {number} channels
 * @param {number} size
 */
function encode(channels, size) {
  const indices = Array.from({ length: size }, (_, i) => i)
  const block = [size, 1, channels, 1, 0, channels, size, ...indices]
  const scalar = [1, 1, channels, 1, 0, channels, 1, 0]
  const sparse = [0, size, ...indices, ...indices.map(() => 0), ...indices]
  const dims = [channels * size, channels, channels * size]
  return {
    plan: {
      integers: Int32Array.of(...dims, 0, 0, 1, channels, ...block, ...scalar, ...block, ...sparse),
      reals: new Float64Array(size).fill(1),
    },
    operands: dims.map((dim, o) => ({ name: ['x1', 'x2', 'y'][o], dim })),
  }
}

/** @param {Float32Array} array */
const bytesOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)

/** @type {object[]} */
const failures = []
/**
 * @param {number} channels
 * @param {number} size
 * @param {number} batch
 * @param {number} offset
 */
function check(channels, size, batch, offset) {
  const { plan, operands } = encode(channels, size)
  const execution = new Execution('cpu', plan, operands)
  const x = new Float32Array(batch * channels * size + offset).subarray(offset)
  for (let i = 0; i < x.length; ++i) x[i] = i % 16777213 // a whole number that float32 holds, other from place to place
  const ones = new Float32Array(batch * channels).fill(1)
  for (const gradient of [false, true]) {
    const out = new Float32Array(x.length + offset).fill(NaN).subarray(offset)
    if (gradient) execution.evaluate(0, [ones, x], { out })
    else execution.evaluate(2, [x, ones], { out })
    if (!bytesOf(out).equals(bytesOf(x))) failures.push({ gradient, channels, size, batch, offset })
  }
  execution.dispose()
}

for (let size = 1; size <= 40; ++size) {
  for (const channels of [1, 16, 37, 64]) {
    for (const offset of [0, 1]) check(channels, size, 70, offset)
  }
  const past = Math.ceil(CACHES / (4 * 64 * size)) + 1
  for (const offset of [0, 1]) check(64, size, past, offset)
}
console.log(JSON.stringify(failures))
