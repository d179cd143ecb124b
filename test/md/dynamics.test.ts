import { describe, expect, it } from 'vitest'
import { BOLTZMANN, Dynamics, type ForceField } from '../../lib/md/dynamics.js'
import type { Structure } from '../../lib/structures/index.js'

/** Two atoms on a spring of k = 20 eV/Angstrom^2 and length 1. */
const spring: ForceField = (r) => {
  const d = [0, 1, 2].map((axis) => r[3 + axis] - r[axis])
  const length = Math.hypot(...d)
  const pull = (20 * (length - 1)) / length
  return {
    energy: 10 * (length - 1) ** 2,
    forces: Float64Array.from([...d.map((x) => pull * x), ...d.map((x) => -pull * x)]),
  }
}
const molecule: Structure = {
  numbers: Uint8Array.of(6, 8),
  positions: Float64Array.of(0, 0, 0, 1.1, 0, 0),
  pbc: [false, false, false],
}

function drift(timestep: number, time: number): number {
  const dynamics = new Dynamics(molecule, spring, { timestep, temperature: 300, seed: 3 })
  const total = (): number => dynamics.kineticEnergy + dynamics.potentialEnergy
  const start = total()
  let worst = 0
  while (dynamics.time < time) {
    dynamics.step()
    worst = Math.max(worst, Math.abs(total() - start))
  }
  return worst
}

describe('without a bath', () => {
  it('keeps the energy, to second order in the time step', () => {
    const [coarse, fine] = [drift(0.5, 500), drift(0.25, 500)]
    expect(coarse).toBeLessThan(2e-3)
    // A quarter, give or take the higher orders.
    expect(fine / coarse).toBeGreaterThan(0.2)
    expect(fine / coarse).toBeLessThan(0.3)
  })

  it('starts at the temperature, without momentum, and goes back in time', () => {
    const dynamics = new Dynamics(molecule, spring, { timestep: 0.5, temperature: 300 })
    expect(dynamics.temperature).toBeCloseTo(300, 9)
    const start = dynamics.positions.slice()
    for (let n = 0; n < 100; n++) dynamics.step()
    dynamics.velocities.forEach((v, n) => (dynamics.velocities[n] = -v))
    for (let n = 0; n < 100; n++) dynamics.step()
    dynamics.positions.forEach((r, n) => expect(Math.abs(r - start[n])).toBeLessThan(1e-10))
  })
})

it('starts with the momenta that it is given, in the unit of ASE', () => {
  // A dalton with 1 sqrt(eV dalton) has half an eV.
  const hydrogen: Structure = { numbers: Uint8Array.of(1), positions: new Float64Array(3), pbc: molecule.pbc }
  const rest: ForceField = (r) => ({ energy: 0, forces: r.map(() => 0) })
  const momenta = Float64Array.of(1, 0, 0)
  const dynamics = new Dynamics(hydrogen, rest, { timestep: 1, temperature: 0, momenta })
  expect(dynamics.kineticEnergy).toBeCloseTo(0.5 / 1.008, 9)
  expect(dynamics.momenta[0]).toBeCloseTo(1, 12)
})

it('takes the temperature of a bath: half kT in every spring', () => {
  const field: ForceField = (r) => ({ energy: r.reduce((sum, x) => sum + x * x, 0), forces: r.map((x) => -2 * x) })
  const atoms = 40
  const structure: Structure = {
    numbers: new Uint8Array(atoms).fill(6),
    positions: new Float64Array(3 * atoms),
    pbc: [false, false, false],
  }
  const dynamics = new Dynamics(structure, field, { timestep: 2, temperature: 400, friction: 0.05, seed: 5 })
  for (let n = 0; n < 500; n++) dynamics.step()
  let [kinetic, potential, count] = [0, 0, 0]
  for (let n = 0; n < 4000; n++, count++) {
    dynamics.step()
    kinetic += dynamics.kineticEnergy
    potential += dynamics.potentialEnergy
  }
  const half = (BOLTZMANN * 400 * 3 * atoms) / 2
  // 120 springs over some 400 times their memory of 20 fs: 0.6 % of noise; five times that.
  expect(Math.abs(kinetic / count / half - 1)).toBeLessThan(0.03)
  expect(Math.abs(potential / count / half - 1)).toBeLessThan(0.03)
})

it('refuses what cannot be', () => {
  expect(() => new Dynamics(molecule, spring, { timestep: 0, temperature: 300 })).toThrow('timestep')
  expect(() => new Dynamics(molecule, spring, { timestep: 1, temperature: -1 })).toThrow('temperature')
  const broken: ForceField = (r) => ({ energy: NaN, forces: r })
  expect(() => new Dynamics(molecule, broken, { timestep: 1, temperature: 1 })).toThrow('no numbers')
  const short: ForceField = () => ({ energy: 0, forces: new Float64Array(3) })
  expect(() => new Dynamics(molecule, short, { timestep: 1, temperature: 1 })).toThrow('Expected 6 numbers for forces')
  const none = { numbers: new Uint8Array(0), positions: new Float64Array(0), pbc: molecule.pbc }
  expect(() => new Dynamics(none, spring, { timestep: 1, temperature: 1 })).toThrow('Expected atoms')
  const momenta = new Float64Array(3)
  expect(() => new Dynamics(molecule, spring, { timestep: 1, temperature: 1, momenta })).toThrow('for momenta')
  const text = '1' as unknown as number
  expect(() => new Dynamics(molecule, spring, { timestep: text, temperature: 1 })).toThrow('timestep')
  const dummy = { ...molecule, numbers: Uint8Array.of(0, 6) }
  expect(() => new Dynamics(dummy, spring, { timestep: 1, temperature: 1 })).toThrow('atomic number')
})
