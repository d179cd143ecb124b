// One layer of a MACE with random weights, by hand: an energy of the neighbours of every atom, and its forces by the chain rule.
import { fileURLToPath } from 'node:url'
import {
  BesselBasis,
  Graph,
  Linear,
  PolynomialCutoff,
  Random,
  SphericalHarmonics,
  SymmetricContraction,
  TensorProductConv,
} from 'gauntlet'
import { neighbours, readStructures } from 'gauntlet/structures'

const [CUTOFF, CHANNELS, LMAX] = [4, 16, 2]
const [molecule] = await readStructures(fileURLToPath(new URL('ethanol_pbe.npz', import.meta.url)))
const atoms = molecule.numbers.length
const kinds = [...new Set(molecule.numbers)]
const elements = Int32Array.from(molecule.numbers, (number) => kinds.indexOf(number))

const harmonics = new SphericalHarmonics(LMAX)
const radial = new BesselBasis({ cutoff: CUTOFF, count: 8 })
const envelope = new PolynomialCutoff({ cutoff: CUTOFF })
const irreps = Array.from({ length: LMAX + 1 }, (_, l) => `${CHANNELS}x${l}${l % 2 ? 'o' : 'e'}`).join('+')
const instructions = Array.from({ length: LMAX + 1 }, (_, l) => ({
  in1: 0,
  in2: l,
  out: l,
  mode: 'uvu',
  hasWeight: true,
}))
const conv = new TensorProductConv(`${CHANNELS}x0e`, harmonics.irrepsOut, irreps, instructions)
const toWeights = new Linear('8x0e', `${conv.weightNumel}x0e`, { seed: 1 }) // of the paths, from the radial functions
const contraction = new SymmetricContraction(irreps, `${CHANNELS}x0e`, { correlation: 3, elements: kinds.length })
const readout = new Linear(`${CHANNELS}x0e`, '0e', { seed: 2 })

const random = new Random(3)
const embedding = kinds.map(() => random.normals(CHANNELS))
const features = Float32Array.from([...elements].flatMap((kind) => [...embedding[kind]]))
const weight = Float32Array.from(random.normals(contraction.weightNumel))

/** Energy, and forces [atoms, 3] where they are wanted, of one arrangement of the atoms. */
function evaluate(positions, wantForces) {
  const { senders, receivers, vectors, distances } = neighbours({ ...molecule, positions }, CUTOFF)
  const graph = new Graph(senders, receivers, atoms)
  const [r, rHat] = [Float32Array.from(distances), Float32Array.from(vectors)]
  const Y = harmonics.forward(rHat)
  const [bessel, cut] = [radial.forward(r), envelope.forward(r)]
  const basis = bessel.map((value, n) => value * cut[Math.floor(n / 8)])
  const pathWeights = toWeights.forward(basis)
  const messages = conv.forward(graph, features, Y, pathWeights)
  const invariants = contraction.forward(messages, elements, weight)
  const energies = readout.forward(invariants)
  const energy = energies.reduce((sum, value) => sum + value, 0)
  if (!wantForces) return { energy }

  const { x: gradInvariants } = readout.backward(new Float32Array(atoms).fill(1), invariants)
  const { x: gradMessages } = contraction.backward(gradInvariants, messages, elements, weight, { only: ['x'] })
  const only = ['x2', 'weight']
  const { x2: gradY, weight: gradWeights } = conv.backward(gradMessages, graph, features, Y, pathWeights, { only })
  const { x: gradBasis } = toWeights.backward(gradWeights, basis)
  const gradVectors = harmonics.backward(gradY, rHat)
  const gradCut = cut.map((_, edge) => {
    let sum = 0
    for (let n = 8 * edge; n < 8 * edge + 8; n++) sum += gradBasis[n] * bessel[n]
    return sum
  })
  const alongBessel = radial.backward(
    gradBasis.map((value, n) => value * cut[Math.floor(n / 8)]),
    r,
  )
  const alongCut = envelope.backward(gradCut, r)
  const forces = new Float64Array(3 * atoms)
  for (let edge = 0; edge < r.length; edge++) {
    for (let i = 0; i < 3; i++) {
      const gradient = gradVectors[3 * edge + i] + ((alongBessel[edge] + alongCut[edge]) * rHat[3 * edge + i]) / r[edge]
      forces[3 * senders[edge] + i] += gradient // vectors point from sender to receiver
      forces[3 * receivers[edge] + i] -= gradient
    }
  }
  return { energy, forces }
}

const { energy, forces } = evaluate(molecule.positions, true)
console.log('energy', energy.toFixed(6))
const net = [0, 1, 2].map((i) => forces.reduce((sum, value, n) => sum + (n % 3 === i ? value : 0), 0))
console.log('net force, relative:', Math.hypot(...net) / Math.hypot(...forces))

// Along one random direction: the slope of the energy, and what forces say of it.
const direction = random.normals(3 * atoms)
const step = 1e-3
const moved = (sign) =>
  evaluate(
    molecule.positions.map((x, n) => x + sign * step * direction[n]),
    false,
  ).energy
const slope = (moved(1) - moved(-1)) / (2 * step)
const said = -forces.reduce((sum, force, n) => sum + force * direction[n], 0)
console.log(
  'slope of the energy:',
  slope.toFixed(4),
  'by forces:',
  said.toFixed(4),
  'relative error:',
  Math.abs(slope / said - 1),
)
