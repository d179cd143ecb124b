# Writes ase.xyz and ase.json: extended XYZ as ASE has it, and what is in it. Debian 12's python3-ase 3.22.1.
import json
import os

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

os.chdir(os.path.dirname(os.path.abspath(__file__)))
rng = np.random.default_rng(1)


def frame(symbols, cell, pbc, stress):
    n = len(symbols)
    atoms = Atoms(symbols, positions=rng.normal(size=(n, 3)), cell=cell, pbc=pbc)
    results = {'energy': float(rng.normal()), 'forces': rng.normal(size=(n, 3))}
    if stress:
        results['stress'] = rng.normal(size=6)
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


salt = frame(['Na', 'Cl'], [[3, 0, 0], [0.1, 4, 0], [0, -0.2, 5]], True, True)
salt.arrays['tag'] = np.array([3, -4])
salt.arrays['label'] = np.array(['a"b', 'c=d'])
salt.arrays['fixed'] = np.array([True, False])
salt.arrays['dipole'] = rng.normal(size=(2, 3)) * 1e-9
salt.arrays['charge'] = np.array([np.nan, 1.0])
salt.info.update({'name': 'rock "salt" = NaCl', 'count': 3, 'good': True, 'vector': np.array([1.5, -2.0]), 'matrix': np.eye(2)})
slab = frame(['Pt'], [[2, 0, 0], [0, 2, 0], [0, 0, 20]], [True, True, False], False)
water = frame(['O', 'H', 'H'], None, False, False)
frames = [salt, slab, water]
write('ase.xyz', frames, format='extxyz')

said = []
for atoms in frames:
    one = {
        'numbers': atoms.numbers.tolist(),
        'positions': atoms.positions.ravel().tolist(),
        'cell': atoms.cell.array.ravel().tolist() if atoms.cell.any() else None,
        'pbc': atoms.pbc.tolist(),
        'energy': atoms.get_potential_energy(),
        'forces': atoms.get_forces().ravel().tolist(),
        'stress': atoms.get_stress(voigt=False).ravel().tolist() if 'stress' in atoms.calc.results else None,
    }
    said.append(one)
said[0]['properties'] = {name: np.nan_to_num(salt.arrays[name], nan=-99).ravel().tolist() if name != 'label' else salt.arrays[name].tolist() for name in ['tag', 'label', 'fixed', 'dipole', 'charge']}
with open('ase.json', 'w') as file:
    json.dump(said, file, indent=1)
