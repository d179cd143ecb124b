import { afterEach, expect, it, vi } from 'vitest'
import { Mace } from '../../lib/mace/index.js'
import { MaceLearner } from '../../lib/mace/mace-learner.js'
import { Adam } from '../../lib/nn/optimizer.js'
import { MovingAverage } from '../../lib/nn/average.js'
import { small, makeStructure } from './small.js'

const ARRAYS = ['ArrayBuffer', 'Float32Array', 'Float64Array', 'Int32Array', 'Uint8Array'] as const

/** Bytes of every array that `use` makes, with memory of its own. */
function arraysMade(use: () => void): number[] {
  const made: number[] = []
  for (const name of ARRAYS) {
    vi.stubGlobal(
      name,
      new Proxy(globalThis[name], {
        construct(array, args) {
          const result = Reflect.construct(array, args, array) as ArrayBuffer | Float32Array
          if (!(args[0] instanceof ArrayBuffer)) made.push(result.byteLength)
          return result
        },
      }),
    )
  }
  use()
  vi.unstubAllGlobals()
  return made
}

afterEach(() => {
  vi.unstubAllGlobals()
})

it('takes memory for the first step of a training, and for batches no larger nothing but what they bring', () => {
  const [atoms, channels] = [10, 32]
  const model = new Mace({ ...small, hiddenIrreps: `${channels}x0e+${channels}x1o` }, { device: 'cpu' })
  const learner = new MaceLearner(model, model.initialWeights(1))
  const [adam, average] = [new Adam(learner.parameters), new MovingAverage(learner.parameters, 0.9)]
  const batch = (structures: number) => {
    const chosen = Array.from({ length: structures }, (_, n) => {
      const labels = { energy: -1, forces: new Float64Array(3 * atoms), energyWeight: 1, forcesWeight: 1 }
      return { ...makeStructure(atoms, n), ...labels, edges: 0 }
    })
    return { prepared: learner.prepare(chosen), counts: { structures, atoms: structures * atoms } }
  }
  const step = ({ prepared, counts }: ReturnType<typeof batch>): void => {
    adam.step(learner.learn(prepared, { energy: 1, forces: 10 }, counts).gradient, 0.01)
    average.update()
  }
  const [large, other, few] = [batch(6), batch(6), batch(2)]
  // What a batch brings are numbers of atoms and edges; a scalar feature of every channel takes more.
  const features = Float32Array.BYTES_PER_ELEMENT * channels * 6 * atoms
  const edges = large.prepared.batch.senders.length
  expect(3 * Float64Array.BYTES_PER_ELEMENT * edges).toBeLessThan(features)
  const first = arraysMade(() => {
    step(large)
  })
  expect(first.filter((bytes) => bytes >= features).length).toBeGreaterThan(50)
  for (const next of [large, other, few]) {
    const made = arraysMade(() => {
      step(next)
    })
    expect(Math.max(...made)).toBeLessThan(features)
  }
})
