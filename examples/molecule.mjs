// From atoms to invariants: the density of each atom's neighbours on spherical harmonics, squared, and what is left at l = 0
// (its power spectrum, summed over l), which no rotation changes.
import { fileURLToPath } from 'node:url'
import { GauntTensorProduct, harmonics, Irreps } from 'gauntlet'
import { neighbours, readStructures } from 'gauntlet/structures'

const LMAX = 4
const CUTOFF = 4

const [molecule] = await readStructures(fileURLToPath(new URL('ethanol_pbe.npz', import.meta.url)))
const { receivers, vectors, distances } = neighbours(molecule, CUTOFF)

const irreps = Irreps.sphericalHarmonics(LMAX)
const angular = harmonics(LMAX, vectors)
const density = new Float32Array(molecule.numbers.length * irreps.dim)
for (const [edge, atom] of receivers.entries()) {
  const weight = Math.cos((Math.PI * distances[edge]) / (2 * CUTOFF)) ** 2
  for (let i = 0; i < irreps.dim; i++) density[atom * irreps.dim + i] += weight * angular[edge * irreps.dim + i]
}

const square = new GauntTensorProduct(irreps, irreps, '0e')
const invariants = square.forward(density, density)
for (const [atom, number] of molecule.numbers.entries()) {
  console.log(`Z = ${number}: ${invariants[atom].toFixed(4)}`)
}
square.dispose()
