import { describe, expect, test } from 'vitest'
import { runChild, type Context } from './child.js'

/** Starts calls that take a while and leaves them in flight. */
function startCalls({ gauntlet }: Context): Promise<unknown>[] {
  const irreps = '64x0e+64x1o+64x2e'
  const product = new gauntlet.GauntTensorProduct(irreps, irreps, irreps, { device: 'cpu' })
  const length = 64 * 9 * 2000
  const allocated = gauntlet.allocate(length).fill(1)
  const foreign = new Float32Array(length).fill(1)
  return Array.from({ length: 8 }, (_, i) => product.forwardAsync(i % 2 ? allocated : foreign, allocated))
}

/** A program that begins with `startCalls`, which it would not see otherwise. */
function withCalls(rest: (calls: Promise<unknown>[], context: Context) => unknown): (context: Context) => unknown {
  const text = `(context) => { const calls = (${startCalls.toString()})(context); return (${rest.toString()})(calls, context) }`
  return Object.assign((): unknown => undefined, { toString: () => text })
}

describe('with work in flight', () => {
  test('a process that has nothing else to do waits for it', () => {
    const outcome = runChild(
      withCalls((calls) => {
        void Promise.all(calls).then((results) => {
          console.log(results.length)
        })
      }),
    )
    expect(outcome).toMatchObject({ status: 0, stderr: '', stdout: '8\n' })
  })

  test('process.exit ends the process with its status', () => {
    const outcome = runChild(withCalls(() => process.exit(7)))
    expect(outcome).toMatchObject({ status: 7, signal: null, stderr: '', stdout: '' })
  })

  test('an uncaught exception ends the process as it does without', () => {
    const outcome = runChild(
      withCalls(() => {
        setImmediate(() => {
          throw new Error('on purpose')
        })
      }),
    )
    expect(outcome).toMatchObject({ status: 1, signal: null })
    expect(outcome.stderr).toContain('Error: on purpose')
  })
})

describe('worker threads', () => {
  test('share one pool and compute the same', () => {
    const program = async ({ startWorker }: Context) => {
      const results = await Promise.all(
        [1, 2, 3].map(async () => {
          const worker = await startWorker()
          const result = new Promise((resolve) => worker.on('message', resolve))
          worker.postMessage('go')
          return result
        }),
      )
      console.log(results.join(' '))
    }
    const worker = async ({ gauntlet, post }: Context) => {
      const { parentPort } = process.getBuiltinModule('node:worker_threads')
      const { FullTensorProduct, allocate } = gauntlet
      post('ready')
      await new Promise((resolve) => parentPort?.once('message', resolve))
      const product = new FullTensorProduct('8x0e+8x1o', '8x0e+8x1o', { device: 'cpu' })
      const x = allocate(32 * 500)
      x.forEach((_, i) => (x[i] = Math.sin(i)))
      let sum = 0
      for (let i = 0; i < 10; ++i) {
        const [a, b] = [product.forward(x, x), await product.forwardAsync(x, x)]
        if (!Buffer.from(a.buffer).equals(Buffer.from(b.buffer))) throw new Error('results differ')
        sum += a.reduce((total, value) => total + value, 0)
      }
      post(sum)
    }
    const outcome = runChild(program, worker)
    expect(outcome).toMatchObject({ status: 0, stderr: '' })
    const sums = outcome.stdout.trim().split(' ')
    expect(sums).toHaveLength(3)
    expect(new Set(sums).size).toBe(1)
  })

  test('can be terminated in the middle of calls, again and again', () => {
    const outcome = runChild(
      async ({ startWorker }) => {
        for (let i = 0; i < 5; ++i) {
          const worker = await startWorker()
          await worker.terminate()
        }
        console.log('survived')
      },
      withCalls((_calls, { post }) => {
        post('in flight')
        for (;;); // ended by terminate() alone
      }),
    )
    expect(outcome).toMatchObject({ status: 0, stderr: '', stdout: 'survived\n' })
  })

  test('can be terminated while results are coming in', () => {
    const outcome = runChild(
      async ({ startWorker }) => {
        for (let i = 0; i < 5; ++i) {
          const worker = await startWorker()
          await new Promise((resolve) => setTimeout(resolve, 6 * i))
          await worker.terminate()
        }
        console.log('survived')
      },
      withCalls(async (calls, { post, gauntlet }) => {
        post('in flight')
        const product = new gauntlet.FullTensorProduct('1o', '1o', { device: 'cpu' })
        const x = gauntlet.allocate(3)
        for (;;) {
          await product.forwardAsync(x, x)
          gauntlet.free(gauntlet.allocate(1000))
          calls.push(product.forwardAsync(new Float32Array(3), x))
        }
      }),
    )
    expect(outcome).toMatchObject({ status: 0, stderr: '', stdout: 'survived\n' })
  })

  test('can end themselves with work in flight', () => {
    const outcome = runChild(
      async ({ startWorker }) => {
        const worker = await startWorker()
        console.log(await worker.ended)
      },
      withCalls((_calls, { post }) => {
        post('in flight')
        process.exit(5)
      }),
    )
    expect(outcome).toMatchObject({ status: 0, stderr: '', stdout: '5\n' })
  })

  test('do not take the main thread with them when it exits first', () => {
    const outcome = runChild(
      async ({ startWorker }) => {
        await startWorker()
        process.exit(3)
      },
      withCalls((_calls, { post }) => {
        post('in flight')
      }),
    )
    expect(outcome).toMatchObject({ status: 3, signal: null, stderr: '' })
  })
})

test('requiring the package loads no addon and touches no GPU', () => {
  const outcome = runChild(({ gauntlet }) => {
    const { readFileSync } = process.getBuiltinModule('node:fs')
    const loaded = (name: string) => readFileSync('/proc/self/maps', 'utf8').includes(name)
    console.log(loaded('gauntlet.node'), loaded('libcuda'))
    gauntlet.free(gauntlet.allocate(10))
    console.log(loaded('gauntlet.node'), loaded('libcuda'))
  })
  expect(outcome).toMatchObject({ status: 0, stderr: '', stdout: 'false false\ntrue false\n' })
})
