import { describe, expect, test } from 'vitest'
import { buildInfo, devices } from '../../lib/runtime/index.js'

// Chosen when the addon is loaded, once in a process: that of this file.
process.env.GAUNTLET_ISA = 'baseline'

describe('baseline', async () => {
  await import('./kernels.test.js')
  test('is used where there is such', () => {
    if (buildInfo().isaLevels.includes('baseline')) expect(devices()[0]).toMatchObject({ isa: 'baseline' })
  })
})
