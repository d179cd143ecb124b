#!/usr/bin/env node
import type { Io } from './command.js'
import { dispatch } from './dispatch.js'

/** Standard output and error of this process. */
function terminal(): Io {
  const live = process.stderr.isTTY
  let shown = false
  const clear = (): void => {
    if (shown) process.stderr.write('\r\x1b[K')
    shown = false
  }
  return {
    out: (text) => {
      clear()
      process.stdout.write(text)
    },
    err: (text) => {
      clear()
      process.stderr.write(text)
    },
    progress: (text) => {
      clear()
      if (!live || text === '') return
      process.stderr.write(text.slice(0, (process.stderr.columns || 80) - 1))
      shown = true
    },
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `gauntlet bench | head` is no error.
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`Cannot write to standard output: ${error.message}\n`)
  process.exit(1)
})
// What is said beside results may get lost: a training goes on.
process.stderr.on('error', () => undefined)
void dispatch(process.argv.slice(2), terminal()).then((status) => {
  process.exitCode = status
})
