import type { Io } from '../../lib/cli/command.js'
import { dispatch } from '../../lib/cli/dispatch.js'

export interface Captured {
  status: number
  out: string
  err: string
  progress: string[]
}

/** Runs a command line in this process and keeps what it writes. */
export async function gauntlet(...args: string[]): Promise<Captured> {
  const captured: Captured = { status: -1, out: '', err: '', progress: [] }
  const io: Io = {
    out: (text) => (captured.out += text),
    err: (text) => (captured.err += text),
    progress: (text) => captured.progress.push(text),
  }
  captured.status = await dispatch(args, io)
  return captured
}
