import { GauntletError } from '../runtime/errors.js'
import { readText } from '../files/file.js'
import { spread } from './frames.js'
import { atomicNumber, MAX_ATOMIC_NUMBER, type Structure } from './structure.js'
import { parseComment, type CommentValue } from './xyz-comment.js'

export interface XyzOptions {
  /** Key of the energy (eV) in the comment line; `energy` if it is there, unless told. */
  energyKey?: string
  /** Name of the per-atom property that holds the forces (eV/Angstrom); `forces` if it is there, unless told. */
  forcesKey?: string
  /** Read this many frames, spread evenly over the file. */
  frames?: number
}

/** One column group of a `Properties` entry: `pos:R:3`. */
interface Property {
  name: string
  type: 'S' | 'I' | 'R' | 'L'
  columns: number
  first: number
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const INTEGER = /^[+-]?\d+$/
const COUNT = /^\d{1,9}$/

/**
 * Reads an extended XYZ file: any number of frames, each a line with the number of atoms, a comment line of `key=value` pairs
 * (`Lattice`, `Properties`, `pbc`, an energy, whatever else) and one line per atom. A plain XYZ file is read too.
 *
 * Positions are taken as Angstrom, energies as eV and forces as eV/Angstrom, as the format has it.
 *
 * @throws GauntletError `ERR_FILE` that names the file, the frame and the line.
 * @example
 * const frames = await readXyz('water.xyz', { energyKey: 'REF_energy', forcesKey: 'REF_forces' })
 */
export async function readXyz(path: string, options: XyzOptions = {}): Promise<Structure[]> {
  return parseXyz(await readText(path), options, path)
}

/** The same as {@link readXyz} on text already in memory; `name` stands for the file in error messages. */
export function parseXyz(text: string, options: XyzOptions = {}, name = 'text'): Structure[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const starts = frameStarts(lines, name)
  if (starts.length === 0) throw new GauntletError('ERR_FILE', `${name} holds no frames`)
  const wanted = { energy: options.energyKey, forces: options.forcesKey }
  const seen = { energy: new Set<string>(), forces: new Set<string>() }
  const structures = spread(starts.length, options.frames).map((index) => {
    const frame = new Frame(lines, starts[index], index, name)
    for (const key of frame.comment.keys()) seen.energy.add(key)
    for (const property of frame.properties) seen.forces.add(property.name)
    return frame.read(options)
  })
  for (const what of ['energy', 'forces'] as const) {
    const key = wanted[what]
    if (key !== undefined && structures.length > 0 && !seen[what].has(key)) {
      const others = [...seen[what]].join(', ') || 'nothing'
      throw new GauntletError('ERR_FILE', `${name}: no frame has ${what} under the key '${key}'; there are: ${others}`)
    }
  }
  return structures
}

/** The line of every frame's atom count, after checking that the file is long enough for each. */
function frameStarts(lines: readonly string[], name: string): number[] {
  const starts: number[] = []
  for (let line = 0; line < lines.length;) {
    const count = lines[line].trim()
    if (count === '') {
      line++
      continue
    }
    const fail = (what: string): never => {
      throw new GauntletError('ERR_FILE', `${name}, frame ${starts.length + 1}, line ${line + 1}: ${what}`)
    }
    if (!COUNT.test(count)) fail(`expected the number of atoms but found ${JSON.stringify(count.slice(0, 60))}`)
    // Checked before anything of that size is made: the count is only what the file claims.
    const end = line + 2 + Number(count)
    if (end > lines.length) {
      const rest = Math.max(0, lines.length - line - 2)
      fail(`it announces ${Number(count)} atoms but the file ends after ${rest} more lines`)
    }
    starts.push(line)
    line = end
  }
  return starts
}

/** One frame of the file, and where in it an error is. */
class Frame {
  readonly comment: Map<string, CommentValue>
  readonly properties: Property[]
  private readonly atoms: number

  constructor(
    private readonly lines: string[],
    private readonly start: number,
    private readonly index: number,
    private readonly name: string,
  ) {
    this.atoms = Number(lines[start])
    try {
      this.comment = parseComment(lines[start + 1])
    } catch (error) {
      this.fail(start + 1, error instanceof Error ? error.message : String(error))
    }
    this.properties = this.parseProperties()
  }

  read(options: XyzOptions): Structure {
    const species = this.find('species') ?? this.find('Z') ?? this.find('numbers')
    const position = this.find('pos', 3)
    if (!species || !position) {
      this.fail(this.start + 1, `Properties must have 'species' (or 'Z') and 'pos' but it has ${this.names()}`)
    }
    const force = this.find(options.forcesKey ?? 'forces', 3)
    const plain = !this.comment.has('Properties')
    const columns = this.properties.reduce((total, property) => total + property.columns, 0)
    const numbers = new Uint8Array(this.atoms)
    const positions = new Float64Array(3 * this.atoms)
    const forces = force && new Float64Array(3 * this.atoms)
    for (let atom = 0; atom < this.atoms; atom++) {
      const line = this.start + 2 + atom
      const fields = this.lines[line].trim().split(/\s+/)
      // A plain XYZ file may carry columns that nothing names.
      if (plain ? fields.length < columns : fields.length !== columns) {
        this.fail(line, `expected ${columns} columns for atom ${atom + 1} of ${this.atoms} but found ${fields.length}`)
      }
      numbers[atom] = this.element(fields[species.first], line)
      for (let axis = 0; axis < 3; axis++) {
        positions[3 * atom + axis] = this.number(fields[position.first + axis], line)
        if (forces) forces[3 * atom + axis] = this.number(fields[force.first + axis], line)
      }
    }
    const cell = this.cell()
    return { numbers, positions, cell, pbc: this.pbc(cell), energy: this.energy(options), forces, info: this.info() }
  }

  private parseProperties(): Property[] {
    const text = this.comment.get('Properties')?.raw ?? 'species:S:1:pos:R:3'
    const parts = text.split(':')
    const properties: Property[] = []
    let first = 0
    for (let part = 0; part < parts.length; part += 3) {
      const [name, type, count] = parts.slice(part, part + 3)
      const columns = INTEGER.test(count ?? '') ? Number(count) : 0
      if (!name || !/^[SIRL]$/.test(type ?? '') || columns < 1 || columns > 1000) {
        const what = parts.slice(part, part + 3).join(':')
        this.fail(
          this.start + 1,
          `Properties must be name:type:columns with a type of S, I, R or L, but it has '${what}'`,
        )
      }
      properties.push({ name, type: type as Property['type'], columns, first })
      first += columns
    }
    return properties
  }

  private find(name: string, columns = 1): Property | undefined {
    const property = this.properties.find((one) => one.name === name)
    if (property && property.columns !== columns) {
      this.fail(this.start + 1, `property '${name}' must have ${columns} column(s) but has ${property.columns}`)
    }
    if (property && columns === 3 && property.type !== 'R' && property.type !== 'I') {
      this.fail(this.start + 1, `property '${name}' must hold numbers (R) but is of type ${property.type}`)
    }
    return property
  }

  private cell(): Float64Array | undefined {
    const value = this.comment.get('Lattice')
    if (!value) return undefined
    if (value.fields.length !== 9)
      this.fail(this.start + 1, `Lattice must have 9 numbers but has ${value.fields.length}`)
    return Float64Array.from(value.fields, (field) => this.number(field, this.start + 1))
  }

  private pbc(cell: Float64Array | undefined): [boolean, boolean, boolean] {
    const value = this.comment.get('pbc')
    if (!value) return cell ? [true, true, true] : [false, false, false]
    const flags = value.fields.map((field) => {
      if (/^(T|true|True|TRUE|1)$/.test(field)) return true
      if (/^(F|false|False|FALSE|0)$/.test(field)) return false
      return this.fail(this.start + 1, `pbc must be three of T and F but is '${value.raw}'`)
    })
    if (flags.length === 1) flags.push(flags[0], flags[0])
    if (flags.length !== 3) this.fail(this.start + 1, `pbc must be three of T and F but is '${value.raw}'`)
    if (flags.includes(true) && !cell) this.fail(this.start + 1, 'it is periodic (pbc) but has no Lattice')
    return [flags[0], flags[1], flags[2]]
  }

  private energy(options: XyzOptions): number | undefined {
    const value = this.comment.get(options.energyKey ?? 'energy')
    return value && this.number(value.raw, this.start + 1)
  }

  private info(): ReadonlyMap<string, string> {
    const own = new Set(['Lattice', 'Properties', 'pbc'])
    return new Map([...this.comment].filter(([key]) => !own.has(key)).map(([key, value]) => [key, value.raw]))
  }

  private element(text: string, line: number): number {
    const number = /^\d{1,3}$/.test(text) ? Number(text) : atomicNumber(text)
    if (number === undefined || number > MAX_ATOMIC_NUMBER) {
      this.fail(line, `expected a chemical element but found ${JSON.stringify(text)}`)
    }
    return number
  }

  private number(text: string, line: number): number {
    const value = NUMBER.test(text) ? Number(text) : NaN
    if (!Number.isFinite(value)) this.fail(line, `expected a number but found ${JSON.stringify(text.slice(0, 60))}`)
    return value
  }

  private names(): string {
    return this.properties.map((property) => `'${property.name}'`).join(', ')
  }

  private fail(line: number, what: string): never {
    throw new GauntletError('ERR_FILE', `${this.name}, frame ${this.index + 1}, line ${line + 1}: ${what}`)
  }
}
