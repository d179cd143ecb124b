import { Random } from '../o3/random.js'
import { checkObject, expected, GauntletError } from '../runtime/errors.js'
import { checkFinite, checkNotNegative, checkPositive } from '../runtime/numbers.js'
import { atomicMass } from '../structures/masses.js'
import type { Structure } from '../structures/structure.js'

/** One dalton in eV fs^2 / Angstrom^2: a dalton in kg times (Angstrom/fs)^2 over the elementary charge. */
export const DALTON = (1.6605390666e-27 * 1e10) / 1.602176634e-19
/** Boltzmann's constant, eV/K. */
export const BOLTZMANN = 1.380649e-23 / 1.602176634e-19

/** What moves atoms: energy (eV) and forces (eV/Angstrom) at some positions. */
export type ForceField = (positions: Float64Array) => { energy: number; forces: Float64Array }

export interface DynamicsOptions {
  /** fs */
  timestep: number
  /** K: of the first velocities, and of the bath where there is friction. */
  temperature: number
  /** 1/fs: how strongly a bath of that temperature acts (Langevin); none, and the energy is conserved, by default. */
  friction?: number
  /** Of velocities and of the bath. */
  seed?: number
  /** [atoms, 3], of the start, in ASE's unit, sqrt(eV dalton); Maxwell's by default. */
  momenta?: Float64Array
}

/**
 * Molecular dynamics of a structure. Without friction it is velocity Verlet, which keeps the energy to O(timestep^2) without drift;
 * with friction g it is Langevin dynamics in the order BAOAB (Leimkuhler and Matthews, 2013), where a step is
 *
 *     B  v += dt/2 F/m     A  r += dt/2 v     O  v = exp(-g dt) v + sqrt((1 - exp(-2 g dt)) kT/m) noise     A     B
 *
 * First velocities are Maxwell's, without momentum of the whole and scaled to the temperature exactly, or those of given momenta.
 *
 * @example
 * const dynamics = new Dynamics(structure, forceField, { timestep: 0.5, temperature: 300 })
 * for (let n = 0; n < 1000; n++) dynamics.step()
 * dynamics.kineticEnergy + dynamics.potentialEnergy // as at the start
 */
export class Dynamics {
  /** [atoms, 3], Angstrom. */
  readonly positions: Float64Array
  /** [atoms, 3], Angstrom/fs. */
  readonly velocities: Float64Array
  /** [atoms, 3], eV/Angstrom. */
  forces: Float64Array
  /** eV */
  potentialEnergy: number
  #steps = 0
  readonly #masses: Float64Array
  readonly #field: ForceField
  readonly #timestep: number
  readonly #temperature: number
  readonly #friction: number
  readonly #random: Random

  /** @throws GauntletError ERR_ARGUMENT, ERR_LENGTH; ERR_PRECISION for forces that are no numbers; what the force field throws */
  constructor(structure: Structure, field: ForceField, options: DynamicsOptions) {
    checkObject(options, 'options')
    const { timestep, temperature, friction = 0, seed = 1, momenta } = options
    if (!(structure.numbers.length > 0)) throw expected('atoms', 'a structure that moves', 'none')
    if (typeof field !== 'function') throw expected('a function of positions', 'the force field', field)
    this.#field = field
    this.#timestep = checkPositive(timestep, 'timestep')
    this.#temperature = checkNotNegative(temperature, 'temperature')
    this.#friction = checkNotNegative(friction, 'friction')
    this.#random = new Random(seed)
    this.#masses = Float64Array.from(structure.numbers, (number) => atomicMass(number) * DALTON)
    this.positions = structure.positions.slice()
    this.velocities = momenta === undefined ? this.#maxwell() : this.#fromMomenta(momenta)
    const { energy, forces } = this.#evaluate()
    this.potentialEnergy = energy
    this.forces = forces
  }

  /** fs since the start. */
  get time(): number {
    return this.#steps * this.#timestep
  }

  /** [atoms, 3], in ASE's unit, sqrt(eV dalton). */
  get momenta(): Float64Array {
    return this.velocities.map((v, n) => (v * this.#masses[Math.floor(n / 3)]) / Math.sqrt(DALTON))
  }

  /** eV */
  get kineticEnergy(): number {
    return this.velocities.reduce((sum, v, n) => sum + 0.5 * this.#masses[Math.floor(n / 3)] * v * v, 0)
  }

  /** K, of the degrees of freedom that move: without a bath the whole has no momentum. */
  get temperature(): number {
    return (2 * this.kineticEnergy) / (this.#freedom * BOLTZMANN)
  }

  /** One time step. */
  step(): void {
    const half = this.#timestep / 2
    this.#kick(half)
    this.#drift(half)
    if (this.#friction > 0) this.#bathe()
    this.#drift(half)
    const { energy, forces } = this.#evaluate()
    this.potentialEnergy = energy
    this.forces = forces
    this.#kick(half)
    this.#steps++
  }

  get #freedom(): number {
    const all = this.positions.length
    return this.#friction > 0 || all <= 3 ? all : all - 3
  }

  #kick(time: number): void {
    const { velocities, forces } = this
    for (let n = 0; n < velocities.length; n++) velocities[n] += (time * forces[n]) / this.#masses[Math.floor(n / 3)]
  }

  #drift(time: number): void {
    for (let n = 0; n < this.positions.length; n++) this.positions[n] += time * this.velocities[n]
  }

  #bathe(): void {
    const kept = Math.exp(-this.#friction * this.#timestep)
    const noise = Math.sqrt((1 - kept * kept) * BOLTZMANN * this.#temperature)
    for (let n = 0; n < this.velocities.length; n++) {
      const spread = noise / Math.sqrt(this.#masses[Math.floor(n / 3)])
      this.velocities[n] = kept * this.velocities[n] + spread * this.#random.normal()
    }
  }

  #evaluate(): { energy: number; forces: Float64Array } {
    const { energy, forces } = this.#field(this.positions)
    if (forces.length !== this.positions.length) {
      throw expected(`${this.positions.length} numbers`, 'forces', forces, 'ERR_LENGTH')
    }
    if (Number.isFinite(energy) && forces.every(Number.isFinite)) return { energy, forces }
    throw new GauntletError(
      'ERR_PRECISION',
      `Energy or forces are no numbers after ${this.time} fs: atoms may have come too close; a shorter timestep may help`,
    )
  }

  #fromMomenta(momenta: Float64Array): Float64Array {
    if (momenta.length !== this.positions.length) {
      throw expected(`${this.positions.length} numbers`, 'momenta', momenta, 'ERR_LENGTH')
    }
    return Float64Array.from(momenta, (p, n) => {
      return (checkFinite(p, `momenta[${n}]`) * Math.sqrt(DALTON)) / this.#masses[Math.floor(n / 3)]
    })
  }

  #maxwell(): Float64Array {
    const masses = this.#masses
    const velocities = Float64Array.from({ length: 3 * masses.length }, (_, n) => {
      return Math.sqrt((BOLTZMANN * this.#temperature) / masses[Math.floor(n / 3)]) * this.#random.normal()
    })
    if (masses.length < 2) return velocities
    const total = masses.reduce((sum, mass) => sum + mass, 0)
    for (let axis = 0; axis < 3; axis++) {
      const momentum = masses.reduce((sum, mass, atom) => sum + mass * velocities[3 * atom + axis], 0)
      for (let atom = 0; atom < masses.length; atom++) velocities[3 * atom + axis] -= momentum / total
    }
    const kinetic = velocities.reduce((sum, v, n) => sum + 0.5 * masses[Math.floor(n / 3)] * v * v, 0)
    const wanted = 0.5 * (3 * masses.length - 3) * BOLTZMANN * this.#temperature
    return kinetic > 0 ? velocities.map((v) => v * Math.sqrt(wanted / kinetic)) : velocities
  }
}
