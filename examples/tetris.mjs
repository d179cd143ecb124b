// What a Gaunt product cannot see. Eight Tetris pieces are to be told apart, however they are turned; the first two are mirror
// images of each other. To tell those apart takes a pseudoscalar (0o), such as the triple product u . (v x w), and the way there
// from vectors leads over the cross product 1o x 1o -> 1e: an odd path. Even paths make functions on the sphere of functions on
// the sphere, irreps of parity (-1)^l of irreps of parity (-1)^l, and 0o is none of those, however deep the network.
import {
  FullTensorProduct,
  GauntTensorProduct,
  Irreps,
  Linear,
  MatrixTensorProduct,
  Random,
  randomRotation,
  SoftOneHot,
  SphericalHarmonics,
  VectorTensorProduct,
} from 'gauntlet'

const device = 'cpu'
const CHANNELS = 6
const STEPS = 150
const RATE = 0.03
const SEEDS = [1, 2, 3, 4, 5]

// As in e3nn's example: four points each.
const PIECES = [
  ['one chirality', [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0]],
  ['the other', [0, 0, 0, 0, 0, 1, 1, 0, 0, 1, -1, 0]],
  ['square', [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0]],
  ['line', [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3]],
  ['corner', [0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0]],
  ['L', [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 0]],
  ['T', [0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 1]],
  ['zigzag', [0, 0, 0, 1, 0, 0, 1, 1, 0, 2, 1, 0]],
].map(([, points]) => points)
const POINTS = 4

/** Every irrep in so many channels. */
const wide = (irreps) => new Irreps([...irreps].map(({ ir }) => ({ mul: CHANNELS, ir })))
/** What a point sees of the others. */
const DENSITY = wide(Irreps.sphericalHarmonics(2))
const HIDDEN = ['0e', '1o', '1e', '2e']
const SCALARS = ['0e', '0o']

/** Products channel by channel, into those of the wanted irreps that they reach. */
const PRODUCTS = {
  'Clebsch-Gordan': (in1, in2, wanted) =>
    new FullTensorProduct(in1, in2, { channels: 'each', filterIrOut: wanted, device }),
  Gaunt: (in1, in2, wanted) => summed(GauntTensorProduct, in1, in2, wanted),
  'Gaunt and bracket': (in1, in2, wanted) => summed(VectorTensorProduct, in1, in2, wanted),
  matrix: (in1, in2, wanted) => summed(MatrixTensorProduct, in1, in2, wanted),
}

function summed(Product, in1, in2, wanted) {
  const all = new Product(in1, in2, undefined, { device })
  const reached = all.irrepsOut.filter(wanted)
  all.dispose()
  return new Product(in1, in2, reached, { device })
}

/** density[point, c, m] = sum over the other points of  radial_c(distance) * Y_lm(direction), [pieces * POINTS, DENSITY.dim] */
function densities(pieces) {
  const vectors = new Float32Array(pieces.flatMap((points) => edges(points)))
  const lengths = Float32Array.from({ length: vectors.length / 3 }, (_, e) =>
    Math.hypot(...vectors.subarray(3 * e, 3 * e + 3)),
  )
  const harmonics = new SphericalHarmonics(2, { normalization: 'component', device })
  const radial = new SoftOneHot({ start: 0.5, end: 3.5, count: CHANNELS, basis: 'gaussian', cutoff: false, device })
  const [angular, distant] = [harmonics.forward(vectors), radial.forward(lengths)]
  const out = new Float32Array(pieces.length * POINTS * DENSITY.dim)
  const slices = DENSITY.slices()
  harmonics.dispose()
  radial.dispose()
  for (let e = 0; e < lengths.length; e++) {
    const row = Math.floor(e / (POINTS - 1)) * DENSITY.dim
    for (let c = 0; c < CHANNELS; c++) {
      for (let lm = 0; lm < 9; lm++) {
        const l = Math.floor(Math.sqrt(lm))
        out[row + slices[l].start + c * (2 * l + 1) + lm - l * l] += distant[e * CHANNELS + c] * angular[e * 9 + lm]
      }
    }
  }
  return out
}

function edges(points) {
  const vectors = []
  for (let i = 0; i < POINTS; i++) {
    for (let j = 0; j < POINTS; j++) {
      if (i !== j) for (let k = 0; k < 3; k++) vectors.push(points[3 * j + k] - points[3 * i + k])
    }
  }
  return vectors
}

/** scores = Readout(sum over points of  T2(Lin3(T1(Lin1 a, Lin2 a)), Lin4 a)) */
class Network {
  constructor(create, seed) {
    const seeds = Array.from({ length: 5 }, (_, n) => 10 * seed + n)
    const linear = (from, to, biases = false) => new Linear(from, to, { seed: seeds.shift(), biases, device })
    this.first = linear(DENSITY, DENSITY)
    this.second = linear(DENSITY, DENSITY)
    this.inner = create(DENSITY, DENSITY, HIDDEN)
    const hidden = wide(new Irreps(HIDDEN).filter(this.inner.irrepsOut))
    this.third = linear(this.inner.irrepsOut, hidden)
    this.fourth = linear(DENSITY, DENSITY)
    this.outer = create(hidden, DENSITY, SCALARS)
    // Seven scores that a reflection leaves alone, and one that changes its sign, where the product has such a thing.
    this.chiral = this.outer.irrepsOut.has('0o')
    this.readout = linear(this.outer.irrepsOut, this.chiral ? '7x0e+1x0o' : '7x0e', true)
    this.linears = [this.first, this.second, this.third, this.fourth, this.readout]
    this.parameters = this.linears.flatMap(({ weight, bias }) => (bias ? [weight, bias] : [weight]))
  }

  /** [pieces, 8] from [pieces * POINTS, DENSITY.dim]; the mirror images share a score, plus or minus the pseudoscalar. */
  forward(a) {
    const x1 = this.first.forward(a)
    const x2 = this.second.forward(a)
    const z = this.inner.forward(x1, x2)
    const y1 = this.third.forward(z)
    const y2 = this.fourth.forward(a)
    const pieces = sumPoints(this.outer.forward(y1, y2), this.outer.irrepsOut.dim)
    const out = this.readout.forward(pieces)
    this.saved = { a, x1, x2, z, y1, y2, pieces }
    const width = this.readout.irrepsOut.dim
    return Float32Array.from({ length: 8 * (out.length / width) }, (_, n) => {
      const [row, score] = [Math.floor(n / 8) * width, n % 8]
      const pseudoscalar = this.chiral ? out[row + 7] : 0
      return score < 2 ? out[row] + (score === 0 ? pseudoscalar : -pseudoscalar) : out[row + score - 1]
    })
  }

  /** Gradients of a loss by `parameters`, from those by the scores. */
  backward(grad) {
    const { a, x1, x2, z, y1, y2, pieces } = this.saved
    const width = this.readout.irrepsOut.dim
    const gradOut = new Float32Array((grad.length / 8) * width)
    grad.forEach((value, n) => {
      const [row, score] = [Math.floor(n / 8) * width, n % 8]
      gradOut[row + Math.max(0, score - 1)] += value
      if (this.chiral && score < 2) gradOut[row + 7] += score === 0 ? value : -value
    })
    const readout = this.readout.backward(gradOut, pieces)
    const y = this.outer.backward(repeatPoints(readout.x, this.outer.irrepsOut.dim), y1, y2)
    const third = this.third.backward(y.x1, z)
    const fourth = this.fourth.backward(y.x2, a)
    const x = this.inner.backward(third.x, x1, x2)
    const layers = [this.first.backward(x.x1, a), this.second.backward(x.x2, a), third, fourth, readout]
    return layers.flatMap(({ weight, bias }) => (bias ? [weight, bias] : [weight]))
  }

  dispose() {
    for (const part of [...this.linears, this.inner, this.outer]) part.dispose()
  }
}

function sumPoints(x, dim) {
  const out = new Float32Array(x.length / POINTS)
  x.forEach((value, n) => (out[Math.floor(n / (POINTS * dim)) * dim + (n % dim)] += value))
  return out
}

function repeatPoints(x, dim) {
  return Float32Array.from({ length: x.length * POINTS }, (_, n) => x[Math.floor(n / (POINTS * dim)) * dim + (n % dim)])
}

/** Gradient of the mean cross entropy of the scores, where piece n is of class n. */
function entropyGradient(scores) {
  const grad = new Float32Array(scores.length)
  for (let piece = 0; piece < scores.length / 8; piece++) {
    const row = scores.subarray(8 * piece, 8 * piece + 8)
    const most = Math.max(...row)
    const total = row.reduce((sum, score) => sum + Math.exp(score - most), 0)
    row.forEach((score, n) => (grad[8 * piece + n] = (Math.exp(score - most) / total - (n === piece ? 1 : 0)) / 8))
  }
  return grad
}

/** Adam (Kingma and Ba), with its usual constants. */
function adam(parameters) {
  const [mean, square] = [0, 1].map(() => parameters.map(({ length }) => new Float32Array(length)))
  let step = 0
  return (gradients) => {
    step++
    gradients.forEach((gradient, p) => {
      gradient.forEach((g, i) => {
        mean[p][i] = 0.9 * mean[p][i] + 0.1 * g
        square[p][i] = 0.999 * square[p][i] + 0.001 * g * g
        const [m, v] = [mean[p][i] / (1 - 0.9 ** step), square[p][i] / (1 - 0.999 ** step)]
        parameters[p][i] -= (RATE * m) / (Math.sqrt(v) + 1e-8)
      })
    })
  }
}

const turn = (points, matrix) =>
  points.map((_, n) => [0, 1, 2].reduce((sum, k) => sum + matrix[3 * (n % 3) + k] * points[n - (n % 3) + k], 0))

/** Trains on the pieces as they are; how many it then knows again, each turned at random, and how far apart the mirror images. */
function run(create, seed) {
  const network = new Network(create, seed)
  const update = adam(network.parameters)
  const input = densities(PIECES)
  for (let step = 0; step < STEPS; step++) update(network.backward(entropyGradient(network.forward(input))))
  const random = new Random(seed)
  const scores = network.forward(densities(PIECES.map((points) => turn(points, randomRotation(random)))))
  network.dispose()
  const rows = PIECES.map((_, piece) => [...scores.subarray(8 * piece, 8 * piece + 8)])
  // Equal scores are no answer for either; the first is taken.
  const correct = rows.filter((row, piece) => row.indexOf(Math.max(...row)) === piece).length
  return { correct, apart: Math.max(...rows[0].map((score, n) => Math.abs(score - rows[1][n]))) }
}

console.log('pieces known again after training, each in a new orientation, of 8; by seed')
for (const [name, create] of Object.entries(PRODUCTS)) {
  const results = SEEDS.map((seed) => run(create, seed))
  const apart = results.map((result) => result.apart)
  const [least, most] = [Math.min(...apart), Math.max(...apart)].map((value) => value.toExponential(1))
  const scores = results.map(({ correct }) => correct).join(' ')
  console.log(`${name.padEnd(18)} ${scores}   scores of the mirror images differ by ${least} .. ${most}`)
}
