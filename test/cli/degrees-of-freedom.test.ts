import { describe, expect, test } from 'vitest'
import { expressivity } from '../../lib/analysis/index.js'
import { expressivityOfChannel } from '../../lib/cli/degrees-of-freedom.js'
import { METHOD_NAMES, METHODS, setting, type SettingName } from '../../lib/cli/methods.js'
import { couples } from '../../lib/cli/selftest-cases.js'
import { FullTensorProduct } from '../../lib/product/index.js'

/** By counting: CG has a dimension for each path; the others 4 lmax + 1, or, where one irrep meets one, each path too. */
const CLOSED: Record<SettingName, (lmax: number, keepsPaths: boolean) => number> = {
  siso: () => 1,
  simo: (lmax) => lmax + 1,
  mimo: (lmax, keepsPaths) => (keepsPaths ? countPaths(lmax, 2) : 4 * lmax + 1),
  full: (lmax, keepsPaths) => (keepsPaths ? countPaths(lmax, 1) : 4 * lmax + 1),
}

function countPaths(lmax: number, step: number): number {
  let count = 0
  for (let l1 = 0; l1 <= lmax; l1++) {
    for (let l2 = 0; l2 <= lmax; l2++) for (let l3 = Math.abs(l1 - l2); l3 <= l1 + l2; l3 += step) count++
  }
  return count
}

describe.each(['siso', 'simo', 'mimo', 'full'] as const)('%s', (name) => {
  test.each([1, 2, 3, 10])('lmax %i: closed forms, whatever the channels', (lmax) => {
    for (const method of METHOD_NAMES.filter((method) => couples(method, name, lmax))) {
      if (lmax === 10 && method === 'cg-dense') continue // a plan of gigabytes
      for (const channels of lmax === 10 ? [1] : [1, 3]) {
        const { in1, in2, out } = setting(name, lmax, channels)
        using product = METHODS[method].create(in1, in2, out, 'cpu')
        const found = expressivityOfChannel(product, channels)
        expect(found, method).toBe(CLOSED[name](lmax, method.startsWith('cg')))
        if (channels === 1 && lmax < 10) expect(expressivity(product).reached, method).toBe(found)
      }
    }
  })
})

test('where channels of an input repeat an irrep, the number of paths is no short cut', () => {
  using product = new FullTensorProduct('4x0e', '4x0e', { channels: 'each', device: 'cpu' })
  // Two of four channels: x1 and x2 have two each, and products of two of their four pairs reach all four maps.
  expect(expressivityOfChannel(product, 2)).toBe(4)
  expect(product.paths).toHaveLength(1)
})
