import { expect, test } from 'vitest'
import { runChild } from './child.js'

// Each program would hold 1.6 GiB or more if what it drops stayed; what Node.js and a collector that is not in a hurry take is a
// fraction of that. Sanitizers keep freed memory in a quarantine of 256 MiB and add a third of it as shadow.
const sanitized = process.env.ASAN_OPTIONS !== undefined
const bound = sanitized ? 900 : 400

test('a synchronous loop that frees what it allocates runs in bounded memory', () => {
  const outcome = runChild(({ gauntlet, peakMemory }) => {
    for (let i = 0; i < 1000; ++i) {
      const array = gauntlet.allocate(1 << 20)
      array.fill(i) // 4 MiB that are really there
      gauntlet.free(array)
    }
    console.log(peakMemory())
  })
  expect(outcome).toMatchObject({ status: 0, stderr: '' })
  expect(Number(outcome.stdout)).toBeLessThan(bound)
})

test('allocated arrays that are only dropped are given back by the collector', () => {
  const outcome = runChild(async ({ gauntlet, collect, peakMemory }) => {
    for (let i = 0; i < 400; ++i) {
      gauntlet.allocate(1 << 20).fill(i)
      if (i % 20 === 0) await collect()
    }
    console.log(peakMemory())
  })
  expect(outcome).toMatchObject({ status: 0, stderr: '' })
  expect(Number(outcome.stdout)).toBeLessThan(bound)
})

test('products and device arrays that are only dropped are given back by the collector', () => {
  const outcome = runChild(async ({ gauntlet, collect, peakMemory }) => {
    const values = new Float32Array(1 << 20).fill(1)
    for (let i = 0; i < 400; ++i) {
      gauntlet.DeviceArray.from(values, 'cpu')
      if (i % 20 === 0) await collect()
    }
    console.log(peakMemory())
    const options = { device: 'cpu', algorithm: 'sparse' } as const
    const irreps = '1x0e+1x1o+1x2e+1x3o+1x4e+1x5o+1x6e'
    const input = new Float32Array(49)
    const makeAndDrop = () => new gauntlet.GauntTensorProduct(irreps, irreps, irreps, options).forward(input, input)
    const grow = async () => {
      for (let i = 0; i < 100; ++i) {
        makeAndDrop()
        if (i % 20 === 0) await collect()
      }
      await collect()
      return process.memoryUsage().rss / 2 ** 20
    }
    const before = await grow() // fragments the heap as far as it will be
    console.log((await grow()) - before)
  })
  expect(outcome).toMatchObject({ status: 0, stderr: '' })
  const [peak, growth] = outcome.stdout.trim().split('\n').map(Number)
  expect(peak).toBeLessThan(bound)
  // MiB, after 100 products that hold about 0.8 each.
  expect(growth).toBeLessThan(sanitized ? 300 : 30)
})

test('the collector waits for calls in flight', () => {
  const outcome = runChild(async ({ gauntlet, collect }) => {
    const length = 64 * 4 * 5000
    const start = (value: number) => {
      const product = new gauntlet.GauntTensorProduct('64x0e+64x1o', '64x0e+64x1o', '64x0e+64x1o', { device: 'cpu' })
      const input = gauntlet.allocate(length).fill(value)
      const result = product.forwardAsync(input, input, { out: gauntlet.allocate(length) })
      return { result, expected: product.forward(input, input) }
    }
    // Products and inputs are unreachable as soon as each call has started.
    const calls = Array.from({ length: 16 }, (_, i) => start(i + 1))
    await collect()
    const junk = Array.from({ length: 16 }, () => gauntlet.allocate(length).fill(NaN))
    for (const { result, expected } of calls) {
      if (!Buffer.from((await result).buffer).equals(Buffer.from(expected.buffer))) throw new Error('wrong result')
    }
    junk.forEach(gauntlet.free)
    console.log('right')
  })
  expect(outcome).toMatchObject({ status: 0, stderr: '', stdout: 'right\n' })
})

// Sanitizers need more address space than any limit leaves them.
test.skipIf(sanitized || process.platform !== 'linux')('memory that is not there is an error', () => {
  const outcome = runChild(({ gauntlet }) => {
    const { execFileSync } = process.getBuiltinModule('node:child_process')
    const held: Float32Array[] = [gauntlet.allocate(1)]
    execFileSync('prlimit', ['--pid', String(process.pid), `--as=${40 * 2 ** 30}`])
    try {
      for (let i = 0; i < 64; ++i) held.push(gauntlet.allocate(2 ** 30 - 16))
    } catch (error) {
      console.log((error as NodeJS.ErrnoException).code)
    }
    console.log(gauntlet.allocate(1000).length, held.at(-1)?.at(-1))
  })
  expect(outcome).toMatchObject({ status: 0, stderr: '', stdout: 'ERR_MEMORY\n1000 0\n' })
})

test('a convolution makes nothing of the size of edges times channels', () => {
  const { status, stdout, stderr } = runChild(({ gauntlet, peakMemory }) => {
    const [nodes, edges] = [1000, 80_000]
    const ends = [7, 11].map((factor) => Int32Array.from({ length: edges }, (_, edge) => (edge * factor) % nodes))
    const graph = new gauntlet.Graph(ends[0], ends[1], nodes)
    const instructions = [0, 1, 2, 3].map((l) => ({ in1: 0, in2: l, out: l, mode: 'uvu', hasWeight: true }) as const)
    const conv = new gauntlet.TensorProductConv('64x0e', '0e+1o+2e+3o', '64x0e+64x1o+64x2e+64x3o', instructions, {
      device: 'cpu',
    })
    const { irrepsIn1, irrepsIn2, irrepsOut, weightNumel } = conv
    const sizes = { x1: nodes * irrepsIn1.dim, x2: edges * irrepsIn2.dim, weight: edges * weightNumel }
    const make = (): Record<'x1' | 'x2' | 'weight' | 'gradOut', Float32Array> => {
      const lengths = { ...sizes, gradOut: nodes * irrepsOut.dim }
      const arrays = Object.entries(lengths).map(([name, length]) => [name, new Float32Array(length).fill(1)])
      return Object.fromEntries(arrays) as Record<'x1' | 'x2' | 'weight' | 'gradOut', Float32Array>
    }
    const [x, v, out] = [make(), make(), make()]
    const before = peakMemory()
    conv.forward(graph, x.x1, x.x2, x.weight, { out: out.gradOut })
    conv.backward(x.gradOut, graph, x.x1, x.x2, x.weight, { out: { x1: out.x1, x2: out.x2, weight: out.weight } })
    conv.doubleBackward({ x1: v.x1, x2: v.x2, weight: v.weight }, x.gradOut, graph, x.x1, x.x2, x.weight, { out })
    console.log((peakMemory() - before).toFixed(1), ((4 * edges * irrepsOut.dim) / 2 ** 20).toFixed(1))
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  // Lines of the nodes' rows, 4 MiB, and a thread's tiles; messages of all edges would be 312 MiB.
  const [grown, messages] = stdout.split(' ').map(Number)
  expect(messages).toBeGreaterThan(300)
  expect(grown).toBeLessThan(messages / (sanitized ? 2 : 10))
})
