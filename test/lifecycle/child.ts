import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

type Gauntlet = typeof import('../../lib/index.js')

/** What a program finds: the built package and what its worker runs. */
export interface Context {
  gauntlet: Gauntlet
  /**
   * Starts `worker` of the same call in a worker thread; resolves once it has posted its first message. A worker that ends at once
   * emits that and `exit` together, so who wants its status has to ask for `ended`.
   */
  startWorker: () => Promise<import('node:worker_threads').Worker & { ended: Promise<number> }>
  /** Posts a message from a worker. */
  post: (message: unknown) => void
  /** Collects garbage and lets finalizers run. */
  collect: () => Promise<void>
  /** The most memory this process has held so far, MiB. */
  peakMemory: () => number
}

type Program = (context: Context) => unknown

export interface Outcome {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  milliseconds: number
}

/** Where programs find the built package by its name. */
export const packageFolder = join(__dirname, '..', '..')

/**
 * Runs a program in a Node.js process of its own, with the garbage collector at hand, and waits for its end. The function is
 * sent as text: it sees its argument and Node's globals, nothing else (no `using` either, which is compiled to a helper).
 */
export function runChild(program: Program, worker?: Program): Outcome {
  const code = main(program, worker)
  const start = performance.now()
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', code], {
    cwd: packageFolder,
    encoding: 'utf8',
    timeout: 120_000,
    killSignal: 'SIGKILL',
  })
  return { status, signal, stdout, stderr, milliseconds: performance.now() - start }
}

function main(program: Program, worker?: Program): string {
  return `
    'use strict'
    const { once } = require('node:events')
    const { setImmediate: turn } = require('node:timers/promises')
    const { Worker, parentPort } = require('node:worker_threads')
    const context = {
      gauntlet: require(${JSON.stringify(packageFolder)}),
      startWorker: async () => {
        const worker = new Worker(${JSON.stringify(worker ? main(worker) : '')}, { eval: true })
        worker.ended = new Promise((resolve) => worker.once('exit', resolve))
        await once(worker, 'message')
        return worker
      },
      post: (message) => parentPort.postMessage(message),
      collect: async () => {
        for (let i = 0; i < 5; ++i) {
          globalThis.gc()
          await turn()
        }
      },
      peakMemory: () => process.resourceUsage().maxRSS / 1024,
    }
    Promise.resolve((${program.toString()})(context)).catch((error) => {
      console.error(error)
      process.exit(99)
    })`
}
