import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MODES } from '../../lib/cli/selftest-weighted.js'
import { Irreps } from '../../lib/o3/index.js'
import { planFile } from '../../lib/cli/plan-file.js'
import { BesselBasis, PolynomialCutoff, SoftOneHot, SphericalHarmonics } from '../../lib/edge/index.js'
import {
  type Contraction,
  FullTensorProduct,
  GauntTensorProduct,
  GridContraction,
  type Instruction,
  MatrixTensorProduct,
  type Product,
  SymmetricContraction,
  TensorProduct,
  TensorProductConv,
  VectorTensorProduct,
} from '../../lib/product/index.js'
import { scalePlan, spreadPlan } from '../../lib/product/operand-weights.js'
import { encodePlan } from '../../lib/product/plan.js'
import type { EncodedPlan } from '../../lib/runtime/execute.js'
import { both, natural } from '../product/helpers.js'

/**
 * Of a difference quotient in float64, whose rounding is 1e-16 of values over the step; float32 in any place would leave 1e-8 at
 * least.
 */
const TOLERANCE = 1e-9

const root = join(__dirname, '..', '..')
const tree = join(root, '.cmake', 'float64')
const folder = mkdtempSync(join(tmpdir(), 'gauntlet-float64-'))
afterAll(() => rmSync(folder, { recursive: true }))

// The first build takes a minute or two, later ones only what has changed.
beforeAll(() => {
  const cmake = (...args: string[]) => execFileSync('cmake', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  cmake('-S', __dirname, '-B', tree)
  cmake('--build', tree, '--parallel', process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? '2')
}, 900_000)

let files = 0
function file(plan: EncodedPlan): string {
  const path = join(folder, `${files++}.plan`)
  writeFileSync(path, planFile(plan))
  return path
}

/** The worst difference between a derivative and its difference quotient, by the kernels of the best and of the lowest instruction set. */
function check(...args: string[]): void {
  for (const isa of ['best', 'baseline']) {
    const { status, stdout, stderr } = spawnSync(join(tree, 'gauntlet_float64'), args, {
      encoding: 'utf8',
      env: { ...process.env, GAUNTLET_ISA: isa },
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const { comparisons, worst } = JSON.parse(stdout) as { comparisons: number; worst: number | null }
    expect(comparisons).toBeGreaterThanOrEqual(27) // nine for each of three derivatives at least
    expect(worst).toBeLessThan(TOLERANCE)
  }
}

const device = 'cpu' as const
const mixed = [both(2, 5).toString(), both(3, 6).toString(), both(2, 4).toString()] as const
const uneven = ['33x0e+16x1o+8x2e+4x0e', '70x0e+16x1o+3x1o', '20x0e+16x1o+8x2e+2x0e'] as const
const even = '3x0e+3x1e+3x2e+3x3e+3x4e'

/** Every form, and every way that channels lie in memory: [name, batch, product]. */
const products: [string, number, () => Product][] = [
  ...(['sparse', 'dense'] as const).flatMap((implementation): [string, number, () => Product][] => [
    [implementation, 9, () => new FullTensorProduct(natural(3), natural(3), { device, implementation })],
    [
      `${implementation}, outer`,
      5,
      () => new FullTensorProduct('7x0e+5x1o+3x2e', '3x0e+2x1o', { device, implementation }),
    ],
    [
      `${implementation}, channelwise`,
      11,
      () => new FullTensorProduct('33x0e+20x1o', '18x1o+40x0e', { device, implementation, channels: 'each' }),
    ],
  ]),
  ...(['sparse', 'fourier', 'grid'] as const).flatMap((algorithm): [string, number, () => Product][] => [
    [
      `Gaunt, ${algorithm}, lmax 1`,
      130,
      () => new GauntTensorProduct(natural(1), natural(1), natural(1), { device, algorithm }),
    ],
    [
      `Gaunt, ${algorithm}, lmax 5`,
      3,
      () => new GauntTensorProduct(natural(5), natural(5), natural(5), { device, algorithm }),
    ],
    [`Gaunt, ${algorithm}, both parities`, 7, () => new GauntTensorProduct(...mixed, { device, algorithm })],
    [`Gaunt, ${algorithm}, uneven`, 5, () => new GauntTensorProduct(...uneven, { device, algorithm })],
  ]),
  ['matrix', 5, () => new MatrixTensorProduct(natural(5, 3), natural(5, 3), natural(5, 3), { device })],
  ['matrix, both parities', 7, () => new MatrixTensorProduct(...mixed, { device })],
  ['matrix, few couplings', 5, () => new MatrixTensorProduct(natural(2, 3), natural(2, 3), natural(4, 3), { device })],
  // Of 9 x 9 matrices, which are multiplied however few couplings there are.
  [
    'matrix, 9 x 9',
    5,
    () => new MatrixTensorProduct(natural(2, 3), natural(2, 3), natural(4, 3), { device, degree: 4 }),
  ],
  ['vector, flat grid', 40, () => new VectorTensorProduct('4x0e+4x1o', '4x0e+4x1o', '4x0e+4x1o+4x1e', { device })],
  ['vector, grid', 7, () => new VectorTensorProduct(even, even, even, { device })],
  ['vector, both parities', 7, () => new VectorTensorProduct(...mixed, { device })],
]

test.each(products)('%s', (_, batch, create) => {
  using product = create()
  check('plan', file(product.encodedPlan()), String(batch))
})

describe.each(MODES)('%s', (mode, in1, in2, out) => {
  test.each([true, false])('shared weights %s', (sharedWeights) => {
    const instruction: Instruction = { in1: 0, in2: 0, out: 0, mode, hasWeight: true }
    using product = new TensorProduct(in1, in2, out, [instruction], { device, sharedWeights })
    check('plan', file(product.encodedPlan()), '37')
  })
})

test.each(MODES.filter(([mode]) => mode !== 'uvw' && mode !== 'u<vw'))('%s without weights', (mode, in1, in2, out) => {
  const instruction: Instruction = { in1: 0, in2: 0, out: 0, mode, hasWeight: false }
  using product = new TensorProduct(in1, in2, mode === 'uuw' ? '1x3o' : out, [instruction], { device })
  check('plan', file(product.encodedPlan()), '37')
})

test.each([true, false])('scales of operands, shared weights %s', (shared) => {
  const plan = scalePlan(new Irreps(uneven[0]), 2, { numel: 70, shared })
  check('plan', file(encodePlan(plan)), '9')
})

test('weights of blocks spread over channels', () => {
  check('plan', file(encodePlan(spreadPlan([33, 16, 0, 1, 16]))), '9')
})

test.each(['uvu', 'without weights'])('convolution, %s', (name) => {
  const hasWeight = name === 'uvu'
  const instructions = [
    { in1: 0, in2: 0, out: 0 },
    { in1: 1, in2: 1, out: 0 },
    { in1: 0, in2: 1, out: 1 },
    { in1: 1, in2: 2, out: 1 },
  ].map((path): Instruction => ({ ...path, mode: 'uvu', hasWeight }))
  using convolution = new TensorProductConv('20x0e+20x1o', '0e+1o+2e', '20x0e+20x1o', instructions, { device })
  check('convolution', file(convolution.encodedPlan()))
})

const contractions: [string, () => Contraction][] = [
  ['symmetric', () => new SymmetricContraction('17x0e+17x1o+17x2e', '17x0e+17x1o', { correlation: 3, elements: 3 })],
  ['grid', () => new GridContraction('17x0e+17x1o+17x2e', '17x0e+17x1o', { correlation: 3, elements: 3 })],
]

test.each(contractions)('contraction, %s', (_, create) => {
  using contraction = create()
  const plans = [
    contraction.encodedPlan(['gradOut']),
    contraction.encodedPlan(['x', 'weight']),
    contraction.encodedPlan(['x', 'weight', 'gradOut'], ['x', 'weight']),
  ]
  expect(plans.map(({ inputs }) => inputs.join())).toEqual([
    'x,weight',
    'x,weight,gradOut',
    'x,weight,gradOut,v.x,v.weight',
  ])
  check('contraction', ...plans.map(({ plan }) => file(plan)))
})

const edges: [string, least: number, most: number, () => { encodedPlan: EncodedPlan; [Symbol.dispose](): void }][] = [
  ...([1, 6, 12] as const).flatMap((lmax): typeof edges => [
    [`harmonics to ${lmax}`, 1, 2, () => new SphericalHarmonics(lmax, { device })],
    [`harmonics to ${lmax}, of x`, 1, 2, () => new SphericalHarmonics(lmax, { device, normalize: false })],
  ]),
  ['Bessel', 0.5, 4.5, () => new BesselBasis({ cutoff: 5, count: 8, device })],
  ['polynomial', 0.5, 4.5, () => new PolynomialCutoff({ cutoff: 5, p: 6, device })],
  ...(['gaussian', 'cosine', 'smooth_finite', 'fourier', 'bessel'] as const).map((basis): (typeof edges)[number] => [
    `soft one-hot, ${basis}`,
    0.7,
    4.3,
    () => new SoftOneHot({ start: 0, end: 5, count: 7, basis, cutoff: true, device }),
  ]),
]

test.each(edges)('%s', (_, least, most, create) => {
  using edge = create()
  check('edge', file(edge.encodedPlan), String(least), String(most))
})
