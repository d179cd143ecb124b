# Writes values.pt, values.npz, legacy.pt and script.pt: every kind of thing that torch.save puts into a checkpoint, and two
# files that are no such checkpoint. Debian 12's python3-torch 1.13.1 and python3-numpy 1.24.2.
import collections
import functools
import os

import numpy as np
import torch

os.chdir(os.path.dirname(os.path.abspath(__file__)))
grid = torch.arange(24, dtype=torch.float64).reshape(2, 3, 4) / 8

tensors = {
    'bool': torch.tensor([True, False, True]),
    'u8': torch.tensor([0, 255], dtype=torch.uint8),
    'i8': torch.tensor([-128, 127], dtype=torch.int8),
    'i16': torch.tensor([-32768, 32767], dtype=torch.int16),
    'i32': torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
    'i64': torch.tensor([-(2**53) + 1, 2**53 - 1]),
    'f16': torch.tensor([1 / 3, -65504, float('inf')], dtype=torch.float16),
    'bf16': torch.tensor([1 / 3, -1e38], dtype=torch.bfloat16),
    'f32': torch.tensor([1 / 3, -1e38], dtype=torch.float32),
    'f64': grid,
    'scalar': torch.tensor(2.5),
    'empty': torch.zeros(0, 3),
    'transposed': grid.permute(2, 0, 1),
    'part': grid[1:, ::2, 1:3],
    'column': grid[:, 1, 3],
    'expanded': grid[0, 0, :1].expand(5, 2, 1) + 0,
    'strideless': torch.tensor([7.0]).expand(3, 2),
}

values = {
    'tensors': tensors,
    'parameter': torch.nn.Parameter(torch.tensor([1.0, 2.0])),
    'none': None,
    'true': True,
    'false': False,
    'integers': [0, 255, 65535, -1, 2**31, -(2**53) + 1, 2**63, -(2**70)],
    'floats': (0.1, -0.0, float('inf')),
    'text': 'Å and \n',
    'bytes': bytes(range(256)),
    'bytearray': bytearray(b'ab\xff'),
    'ordered': collections.OrderedDict([('b', 1), ('a', (2,))]),
    'default': collections.defaultdict(list, {'k': [1]}),
    'set': {3},
    'frozenset': frozenset([4]),
    'slice': slice(1, None, 2),
    'complex': 1 + 2j,
    'range': range(3),
    'size': torch.Size([2, 3]),
    'device': torch.device('cpu'),
    'dtype': torch.float64,
    'function': torch.nn.functional.silu,
    'partial': functools.partial(torch.nn.functional.softmax, dim=1),
    'array': np.arange(6, dtype='<f4').reshape(2, 3),
    'fortran': np.asfortranarray(np.arange(6, dtype='>i2').reshape(2, 3)),
    'scalars': [np.float64(0.1), np.int32(-7), np.bool_(True)],
    'texts': np.array(['H', 'He']),
}
values['list in itself'] = [1]
values['list in itself'].append(values['list in itself'])


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(2, 3)
        self.register_buffer('kept', torch.ones(2))
        self.register_buffer('dropped', torch.ones(2), persistent=False)
        self.register_buffer('unset', None)
        self.rest = torch.nn.Sequential(torch.nn.Linear(3, 1, bias=False), torch.nn.SiLU())
        self.own = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))


torch.manual_seed(0)
net = Net()
values['module'] = net
values['state_dict'] = net.state_dict()
torch.save(values, 'values.pt')

numbers = {name: tensor.double().numpy() for name, tensor in tensors.items()}
numbers |= {f'module/{name}': tensor.double().numpy() for name, tensor in net.state_dict().items()}
np.savez_compressed('values.npz', **numbers)

torch.save(torch.ones(1), 'legacy.pt', _use_new_zipfile_serialization=False)
torch.jit.save(torch.jit.script(torch.nn.ReLU()), 'script.pt')
