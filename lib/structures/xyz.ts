import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { unreadable } from '../files/file.js'
import { spread } from './frames.js'
import type { Structure } from './structure.js'
import type { XyzKeys } from './xyz-keys.js'
import { XyzParser } from './xyz-parser.js'

export interface XyzOptions extends XyzKeys {
  /** Read this many frames, spread evenly over the file. */
  frames?: number
}

/** A line of more characters than this is no line of XYZ. */
const MAX_LINE = 2 ** 24

/**
 * Reads the frames of an extended XYZ file (https://github.com/libAtoms/extxyz) of any size one by one: each a line with the number of
 * atoms, a comment line of `key=value` pairs (`Lattice`, `Properties`, `pbc`, an energy, whatever else) and one line per atom. A
 * plain XYZ file is read too.
 *
 * Positions are taken as Angstrom, energies as eV and forces as eV/Angstrom, as the format has it.
 *
 * @throws GauntletError `ERR_FILE` that names the file, the frame and the line; at the end, if no frame has a key that was asked for.
 * @example
 * for await (const structure of xyzFrames('trajectory.xyz', { energyKey: 'REF_energy' })) console.log(structure.energy)
 */
export async function* xyzFrames(path: string, options: XyzOptions = {}): AsyncGenerator<Structure, void, undefined> {
  const size = await fileSize(path)
  const { frames } = options
  let chosen: Set<number> | undefined
  if (frames !== undefined) {
    const counter = new XyzParser(path, size, {}, () => false)
    for await (const line of lines(path, counter)) counter.push(line)
    counter.end()
    chosen = new Set(spread(counter.frames, frames))
  }
  const parser = new XyzParser(path, size, options, chosen && ((frame) => chosen.has(frame)))
  for await (const line of lines(path, parser)) {
    const structure = parser.push(line)
    if (structure) yield structure
  }
  parser.end()
}

/**
 * Reads all frames of an extended XYZ file, or some of them, as {@link xyzFrames} does.
 *
 * @throws GauntletError `ERR_FILE` that names the file, the frame and the line.
 * @example
 * const frames = await readXyz('water.xyz', { energyKey: 'REF_energy', forcesKey: 'REF_forces' })
 */
export async function readXyz(path: string, options: XyzOptions = {}): Promise<Structure[]> {
  const structures: Structure[] = []
  for await (const structure of xyzFrames(path, options)) structures.push(structure)
  return structures
}

/** The same as {@link readXyz} on text already in memory; `name` stands for the file in error messages. */
export function parseXyz(text: string, options: XyzOptions = {}, name = 'text'): Structure[] {
  const parser = new XyzParser(name, Buffer.byteLength(text), options)
  const structures = linesOf(text.replace(/^\uFEFF/, '')).flatMap((line) => parser.push(line) ?? [])
  parser.end()
  return options.frames === undefined ? structures : spread(structures.length, options.frames).map((i) => structures[i])
}

/** Pipes have no size. */
async function fileSize(path: string): Promise<number> {
  try {
    const status = await stat(path)
    return status.isFile() ? status.size : Infinity
  } catch (error) {
    throw unreadable(path, error)
  }
}

function linesOf(text: string): string[] {
  const all = text.split(/\r?\n/)
  if (all.at(-1) === '') all.pop()
  return all
}

/** The lines of a file, of which only a piece is in memory, each taken by the parser before the next. */
async function* lines(path: string, parser: XyzParser): AsyncGenerator<string, void, undefined> {
  let rest = ''
  let first = true
  try {
    for await (const chunk of createReadStream(path, {
      encoding: 'utf8',
      highWaterMark: 2 ** 18,
    }) as AsyncIterable<string>) {
      const text = rest + (first ? chunk.replace(/^\uFEFF/, '') : chunk)
      first = false
      const end = text.lastIndexOf('\n') + 1
      rest = text.slice(end)
      yield* linesOf(text.slice(0, end))
      if (rest.length > MAX_LINE) parser.refuse(`it has over ${MAX_LINE} characters`)
    }
  } catch (error) {
    throw unreadable(path, error)
  }
  if (rest !== '') yield rest
}
