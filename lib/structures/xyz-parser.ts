import { messageOf } from '../files/file.js'
import { GauntletError } from '../runtime/errors.js'
import { atomicNumber, MAX_ATOMIC_NUMBER, type AtomProperty, type Structure } from './structure.js'
import { parseAnyComment, type CommentValue } from './xyz-comment.js'
import { keysOf, POSITION, SPECIES, type XyzKeys } from './xyz-keys.js'
import { isLogical, parseFinite, parseInteger, parseLogical, parseReal } from './xyz-value.js'

const COUNT = /^\d{1,9}$/

/** One group of columns: an entry of `Properties`, as `pos:R:3`. */
interface ColumnGroup {
  name: string
  type: AtomProperty['type']
  columns: number
  first: number
  read: (field: string) => string | number
}

/** Reads extended XYZ line by line. It holds one frame at a time. */
export class XyzParser {
  /** How many frames have begun. */
  frames = 0
  #line = 0
  #frame: Frame | undefined
  #atomsLeft = 0
  #expectsComment = false
  readonly #keys = new Set<string>()
  readonly #columns = new Set<string>()

  /**
   * @param name stands for the file in messages
   * @param size bytes of the whole text, against which the numbers of atoms in it are held
   * @param wanted whether to read a frame, or to skip it; by default all are read
   */
  constructor(
    private readonly name: string,
    private readonly size: number,
    private readonly keys: XyzKeys,
    private readonly wanted: (frame: number) => boolean = () => true,
  ) {}

  /** Takes the next line; returns the frame of which it was the last, if that is wanted. */
  push(line: string): Structure | undefined {
    this.#line++
    if (this.#expectsComment) this.#beginFrame(line)
    else if (this.#atomsLeft > 0) this.#addAtom(line)
    else if (line.trim() !== '') this.#announce(line.trim())
    if (this.#expectsComment || this.#atomsLeft > 0) return undefined
    const structure = this.#frame?.structure()
    this.#frame = undefined
    return structure
  }

  /** After the last line. */
  end(): void {
    if (this.#expectsComment || this.#atomsLeft > 0) {
      this.#fail(
        this.#expectsComment
          ? 'the file ends before the comment line'
          : `the file ends ${this.#atomsLeft} atom(s) early`,
      )
    }
    if (this.frames === 0) throw new GauntletError('ERR_FILE', `${this.name} holds no frames`)
    for (const quantity of ['energy', 'forces', 'stress', 'virials'] as const) {
      const [key, seen] = [this.keys[`${quantity}Key`], quantity === 'forces' ? this.#columns : this.#keys]
      if (key !== undefined && !seen.has(key)) {
        throw new GauntletError(
          'ERR_FILE',
          `${this.name}: no frame has ${quantity} under the key '${key}'; there are: ${[...seen].join(', ') || 'nothing'}`,
        )
      }
    }
  }

  #announce(count: string): void {
    this.frames++
    if (!COUNT.test(count)) this.#fail(`expected the number of atoms but found ${JSON.stringify(count.slice(0, 60))}`)
    this.#atomsLeft = Number(count)
    this.#expectsComment = true
  }

  #beginFrame(line: string): void {
    this.#expectsComment = false
    if (!this.wanted(this.frames - 1)) return
    this.#try(() => {
      this.#frame = new Frame(line, this.#atomsLeft, this.size, this.keys)
    })
    for (const key of this.#frame!.comment.keys()) this.#keys.add(key)
    for (const { name } of this.#frame!.groups) this.#columns.add(name)
  }

  #addAtom(line: string): void {
    this.#atomsLeft--
    if (this.#frame) this.#try(() => this.#frame!.addAtom(line))
  }

  #try(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#fail(messageOf(error))
    }
  }

  /** Says of the next line that it cannot be taken. */
  refuse(what: string): never {
    this.#line++
    this.#fail(what)
  }

  #fail(what: string): never {
    throw new GauntletError('ERR_FILE', `${this.name}, frame ${this.frames}, line ${this.#line}: ${what}`)
  }
}

/** One frame while its lines come in. Throws plain Errors; the parser knows where they are. */
class Frame {
  readonly comment: Map<string, CommentValue>
  readonly groups: ColumnGroup[]
  readonly #plain: boolean
  readonly #columns: number
  readonly #own: { species: ColumnGroup; position: ColumnGroup; forces: ColumnGroup | undefined }
  readonly #head: Pick<Structure, 'cell' | 'pbc' | 'energy' | 'stress' | 'virials' | 'info'>
  readonly #numbers: Uint8Array
  /** [atoms, columns] of every group. */
  readonly #values: (string[] | Float64Array)[]
  #atom = 0

  constructor(
    line: string,
    private readonly atoms: number,
    size: number,
    private readonly keys: XyzKeys,
  ) {
    this.comment = parseAnyComment(line)
    const properties = this.#pair('Properties')
    this.#plain = properties === undefined
    this.groups = parseProperties(properties?.raw ?? 'species:S:1:pos:R:3')
    this.#columns = this.groups.reduce((total, { columns }) => total + columns, 0)
    const species = SPECIES.map((name) => this.#find(name, 1)).find((group) => group !== undefined)
    const position = this.#find(POSITION, 3)
    if (!species || !position) {
      const names = this.groups.map(({ name }) => `'${name}'`).join(', ')
      throw new Error(`Properties must have 'species' (or 'Z') and 'pos' but it has ${names}`)
    }
    const forces = keysOf('forces', keys)
      .map((key) => this.#find(key, 3))
      .find((group) => group !== undefined)
    // Other columns may be nan or inf where a program had no value; these may not.
    for (const group of [position, forces]) if (group?.type === 'R') group.read = parseFinite
    this.#own = { species, position, forces }
    this.#head = this.#readComment()
    // Checked before anything of that size is made: the count is only what the file claims.
    if (atoms * 2 * this.#columns > size + 1) {
      throw new Error(`it announces ${atoms} atoms, for which a file of ${size} bytes has no room`)
    }
    this.#numbers = new Uint8Array(atoms)
    this.#values = this.groups.map(({ type, columns }) => (type === 'S' ? [] : new Float64Array(atoms * columns)))
  }

  addAtom(line: string): void {
    const fields = line.trim().split(/\s+/)
    // A plain XYZ file may carry columns that nothing names.
    if (this.#plain ? fields.length < this.#columns : fields.length !== this.#columns) {
      const [atom, atoms] = [this.#atom + 1, this.atoms]
      throw new Error(`expected ${this.#columns} columns for atom ${atom} of ${atoms} but found ${fields.length}`)
    }
    this.#numbers[this.#atom] = parseElement(fields[this.#own.species.first])
    for (const [i, { columns, first, read }] of this.groups.entries()) {
      const values = this.#values[i]
      for (let column = 0; column < columns; column++) {
        values[this.#atom * columns + column] = read(fields[first + column])
      }
    }
    this.#atom++
  }

  structure(): Structure {
    const { species, position, forces } = this.#own
    const properties = new Map<string, AtomProperty>()
    for (const [i, group] of this.groups.entries()) {
      const { name, type, columns } = group
      if (group !== species && group !== position && group !== forces) {
        properties.set(name, { type, columns, values: this.#values[i] })
      }
    }
    const numbersOf = (group: ColumnGroup): Float64Array => this.#values[this.groups.indexOf(group)] as Float64Array
    return {
      numbers: this.#numbers,
      positions: numbersOf(position),
      ...this.#head,
      forces: forces && numbersOf(forces),
      properties: properties.size > 0 ? properties : undefined,
    }
  }

  #find(name: string, columns: number): ColumnGroup | undefined {
    const group = this.groups.find((one) => one.name === name)
    if (group && group.columns !== columns) {
      throw new Error(`property '${name}' must have ${columns} column(s) but has ${group.columns}`)
    }
    if (group && columns === 3 && group.type !== 'R' && group.type !== 'I') {
      throw new Error(`property '${name}' must hold numbers (R) but is of type ${group.type}`)
    }
    return group
  }

  #readComment(): Pick<Structure, 'cell' | 'pbc' | 'energy' | 'stress' | 'virials' | 'info'> {
    const info = new Map([...this.comment].map(([key, { raw }]) => [key, raw]))
    for (const key of ['Lattice', 'Properties', 'pbc']) if (this.#pair(key)) info.delete(key)
    const take = <T>(quantity: 'energy' | 'stress' | 'virials', parse: (value: CommentValue) => T): T | undefined => {
      const key = keysOf(quantity, this.keys).find((one) => this.#pair(one) !== undefined)
      if (key === undefined) return undefined
      const value = parse(this.#pair(key)!)
      if (value !== undefined) info.delete(key)
      return value
    }
    const cell = this.#cell()
    return {
      cell,
      pbc: this.#pbc(cell),
      energy: take('energy', ({ fields, raw }) => parseFinite(fields.length === 1 ? fields[0] : raw)),
      stress: take('stress', (value) => matrix('stress', value, this.keys.stressKey === undefined)),
      virials: take('virials', (value) => matrix('virials', value, this.keys.virialsKey === undefined)),
      info,
    }
  }

  /** What the comment line says of a key; a word alone says nothing of it. */
  #pair(key: string): CommentValue | undefined {
    const value = this.comment.get(key)
    return value?.flag ? undefined : value
  }

  #cell(): Float64Array | undefined {
    const value = this.#pair('Lattice')
    if (!value) return undefined
    if (value.fields.length !== 9) throw new Error(`Lattice must have 9 numbers but has ${value.fields.length}`)
    return Float64Array.from(value.fields, parseFinite)
  }

  #pbc(cell: Float64Array | undefined): Structure['pbc'] {
    const value = this.#pair('pbc')
    if (!value) return cell ? [true, true, true] : [false, false, false]
    const { fields, raw } = value
    const flags = fields.length === 1 ? [fields[0], fields[0], fields[0]] : fields
    if (flags.length !== 3 || !flags.every(isLogical)) throw new Error(`pbc must be three of T and F but is '${raw}'`)
    const [a, b, c] = flags.map(parseLogical)
    if ((a || b || c) && !cell) throw new Error('it is periodic (pbc) but has no Lattice')
    return [a, b, c]
  }
}

const READERS: Record<ColumnGroup['type'], ColumnGroup['read']> = {
  S: (field) => field,
  I: parseInteger,
  R: parseReal,
  L: (field) => Number(parseLogical(field)),
}

function parseProperties(text: string): ColumnGroup[] {
  const parts = text.split(':')
  const groups: ColumnGroup[] = []
  let first = 0
  for (let part = 0; part < parts.length; part += 3) {
    const [name, type, count] = parts.slice(part, part + 3)
    const columns = /^\d{1,4}$/.test(count ?? '') ? Number(count) : 0
    if (!name || !/^[SIRL]$/.test(type ?? '') || columns < 1 || columns > 1000) {
      const what = parts.slice(part, part + 3).join(':')
      throw new Error(`Properties must be name:type:columns with a type of S, I, R or L, but it has '${what}'`)
    }
    if (groups.some((group) => group.name === name)) throw new Error(`Properties has '${name}' twice`)
    groups.push({ name, type: type as ColumnGroup['type'], columns, first, read: READERS[type as ColumnGroup['type']] })
    first += columns
  }
  return groups
}

function parseElement(text: string): number {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : atomicNumber(text)
  if (number === undefined || number > MAX_ATOMIC_NUMBER) {
    throw new Error(`expected a chemical element but found ${JSON.stringify(text)}`)
  }
  return number
}

/** Nine numbers, or Voigt's six: xx, yy, zz, yz, xz, xy. Where nobody has asked for it, anything else is no matrix but text. */
function matrix(name: string, { fields }: CommentValue, orText: boolean): Float64Array | undefined {
  try {
    const [xx, yy, zz, yz, xz, xy] = fields.map(parseFinite)
    if (fields.length === 6) return Float64Array.of(xx, xy, xz, xy, yy, yz, xz, yz, zz)
    if (fields.length !== 9) throw new Error(`${name} must have 9 numbers, or 6, but has ${fields.length}`)
    return Float64Array.from(fields, parseFinite)
  } catch (error) {
    if (orText) return undefined
    throw error
  }
}
