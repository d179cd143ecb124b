# Writes mace.json: energies and forces of the model in mace.model, by MACE itself (commit 667eee4, e3nn 0.4.4, Debian 12's
# python3-torch 1.13.1), on a molecule and on a small skewed cell. Pairs of neighbours are found here, image by image.
import itertools
import json
import os

import numpy as np
import torch

os.chdir(os.path.dirname(os.path.abspath(__file__)))
torch.set_default_dtype(torch.float64)
model = torch.load('mace.model')
random = np.random.default_rng(5)

molecule = {
    'numbers': [6, 6, 8, 1, 1, 1, 1, 1, 1],
    'positions': (
        np.array(
            [
                [0.0, 0.0, 0.0], [1.52, 0.0, 0.0], [2.0, 1.34, 0.0], [-0.38, 1.03, 0.0], [-0.39, -0.52, 0.89],
                [-0.39, -0.52, -0.89], [1.9, -0.52, 0.89], [1.9, -0.52, -0.89], [2.97, 1.3, 0.0],
            ]
        )
        + 0.05 * random.standard_normal((9, 3))
    ).tolist(),
    'cell': None,
}
crystal = {
    'numbers': [6, 8, 1, 1],
    'positions': [[0.1, 0.0, 0.2], [1.2, 1.5, 0.4], [2.1, 0.3, 1.6], [0.7, 2.2, 2.0]],
    'cell': [[3.1, 0.0, 0.0], [0.8, 3.3, 0.0], [-0.5, 0.6, 3.0]],
}


def edges(structure, cutoff):
    positions = np.array(structure['positions'])
    cell = structure['cell']
    images = itertools.product(range(-4, 5), repeat=3) if cell else [(0, 0, 0)]
    pairs, shifts = [], []
    for image in images:
        shift = np.array(image) @ np.array(cell) if cell else np.zeros(3)
        for sender, receiver in itertools.product(range(len(positions)), repeat=2):
            length = np.linalg.norm(positions[receiver] - positions[sender] + shift)
            if 0 < length < cutoff:
                pairs.append((sender, receiver))
                shifts.append(shift)
    return torch.tensor(pairs).T, torch.tensor(np.array(shifts))


for structure in (molecule, crystal):
    elements = [[1, 6, 8].index(number) for number in structure['numbers']]
    index, shifts = edges(structure, 4.0)
    result = model(
        {
            'positions': torch.tensor(structure['positions'], requires_grad=True),
            'node_attrs': torch.nn.functional.one_hot(torch.tensor(elements), 3).double(),
            'edge_index': index,
            'shifts': shifts,
            'unit_shifts': torch.zeros_like(shifts),
            'cell': torch.tensor(structure['cell'] or np.zeros((3, 3)).tolist()),
            'batch': torch.zeros(len(elements), dtype=torch.long),
            'ptr': torch.tensor([0, len(elements)]),
            'head': torch.zeros(1, dtype=torch.long),
        }
    )
    structure['energy'] = result['energy'].item()
    structure['forces'] = result['forces'].tolist()

with open('mace.json', 'w') as file:
    json.dump([molecule, crystal], file)
