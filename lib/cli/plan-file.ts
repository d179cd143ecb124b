import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GauntletError, type DeviceOption, type EncodedPlan } from '../runtime/index.js'
import { usualBatch, type BenchCase } from './bench-case.js'
import type { Io } from './command.js'
import { METHODS, setting } from './methods.js'

const MAGIC = 'GPLN'
const VERSION = 2

/**
 * A plan as a file, for bench/native: `GPLN`, then as little-endian int32 the version and how many integers and reals follow;
 * the integers as int32, the reals as float64.
 */
export function planFile({ integers, reals }: EncodedPlan): Buffer {
  const bytes = Buffer.alloc(16 + 4 * integers.length + 8 * reals.length)
  bytes.write(MAGIC, 0, 'latin1')
  let at = 4
  for (const value of [VERSION, integers.length, reals.length, ...integers]) at = bytes.writeInt32LE(value, at)
  for (const value of reals) at = bytes.writeDoubleLE(value, at)
  return bytes
}

/** Writes the plan of every case to a folder and prints how to time each without Node. */
export function dumpPlans(folder: string, cells: readonly BenchCase[], device: DeviceOption, io: Io): number {
  try {
    mkdirSync(folder, { recursive: true })
    for (const { method, setting: where, lmax, channels, batch } of cells) {
      const sides = setting(where, lmax, channels)
      const { in1, in2, out } = sides
      const product = METHODS[method].create(in1, in2, out, device)
      const path = join(folder, `${method}-${where}-l${lmax}-c${channels}.plan`)
      writeFileSync(path, planFile(product.encodedPlan()))
      product.dispose()
      io.out(`gauntlet_bench ${path} --batch ${batch ?? usualBatch(sides, channels)}\n`)
    }
  } catch (error) {
    if (error instanceof GauntletError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new GauntletError('ERR_FILE', `Cannot write to ${folder}: ${reason}`, { cause: error })
  }
  return 0
}
