// What the products of matrices of a network's layers take on a device: forward, and the gradients of both factors.
//
//     node bench/mace/matmul.mjs [--device cuda] [--json]
//
// On a GPU cuBLAS multiplies where it is faster and found; with GAUNTLET_CUBLAS=off nothing but the package's own kernels does.
// Every product is called 20 times between two looks at the clock, 9 times over; the median counts.
import { resolveDevice, synchronize } from 'gauntlet'
import { Kernels } from '../../dist/tensor/kernels.js'
import { median, readOptions } from './script.mjs'

const CALLS = 20
const TIMES = 9
/** Rows, inputs and outputs of layers. */
const LAYERS = [
  [200_000, 8, 64],
  [200_000, 64, 64],
  [200_000, 64, 256],
  [200_000, 64, 1024],
  [20_000, 8, 64],
  [20_000, 64, 64],
  [20_000, 128, 128],
  [2000, 8, 64],
  [2000, 64, 128],
  [1000, 128, 128],
  [200, 16, 1],
  [200, 32, 96],
]

const values = readOptions(import.meta.url, { device: { type: 'string', default: 'cuda' }, json: { type: 'boolean' } })
const device = resolveDevice(/** @type {import('gauntlet').DeviceOption} */ (values.device))
const kernels = new Kernels(device)

/** @param {number} length */
function random(length) {
  const array = kernels.allocate(length)
  kernels.write(
    array,
    Float32Array.from({ length }, () => 2 * Math.random() - 1),
  )
  return array
}

/** @param {() => void} call */
function microseconds(call) {
  const times = Array.from({ length: TIMES + 2 }, () => {
    const start = performance.now()
    for (let n = 0; n < CALLS; n++) call()
    synchronize(device)
    return (1e3 * (performance.now() - start)) / CALLS
  })
  return median(times.slice(2))
}

const rows = LAYERS.map(([rows, inputs, outputs]) => {
  const [x, w, y] = [rows * inputs, inputs * outputs, rows * outputs].map(random)
  const [gx, gw, gy] = [rows * inputs, inputs * outputs, rows * outputs].map((length) => kernels.allocate(length))
  return {
    rows,
    inputs,
    outputs,
    forward: microseconds(() => kernels.matmul(gy, x, w, 'none', rows, outputs, 1)),
    gradientOfInputs: microseconds(() => kernels.matmul(gx, y, w, 'second', rows, inputs, 1)),
    gradientOfWeights: microseconds(() => kernels.matmul(gw, x, y, 'first', inputs, outputs, 1)),
  }
})
if (values.json) console.log(JSON.stringify({ device, cublas: process.env.GAUNTLET_CUBLAS ?? '', rows }, null, 1))
else
  console.table(rows.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, Number(v.toFixed(1))]))))
