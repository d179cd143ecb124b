import { describe, expect, test } from 'vitest'
import {
  cudaStatus,
  devices,
  getNumThreads,
  measureMachine,
  resolveDevice,
  setNumThreads,
  type DeviceOption,
} from '../../lib/runtime/index.js'
import { codeOf } from '../native/toy.js'

describe('devices', () => {
  test('begin with the CPU', () => {
    const [cpu] = devices()
    expect(cpu).toMatchObject({ id: 'cpu', kind: 'cpu' })
    if (cpu.kind !== 'cpu') throw new Error('unreachable')
    expect(cpu.name).not.toBe('')
    expect(cpu.memory).toBeGreaterThan(2 ** 28)
    expect(cpu.cores).toBeGreaterThanOrEqual(1)
    expect(['baseline', 'avx2', 'avx512', 'neon']).toContain(cpu.isa)
  })

  test('list GPUs if and only if CUDA is usable, and a reason if not', () => {
    const status = cudaStatus()
    const gpus = devices().slice(1)
    expect(gpus.length > 0).toBe(status.usable)
    expect(status.reason === '').toBe(status.usable)
    gpus.forEach((gpu, index) => {
      if (gpu.kind !== 'cuda') throw new Error(`${gpu.id} is listed as a GPU`)
      expect(gpu.id).toBe(`cuda:${index}`)
      expect(gpu.computeCapability).toMatch(/^\d+\.\d$/)
      expect(gpu.memory).toBeGreaterThan(2 ** 28)
    })
  })
})

describe('resolveDevice', () => {
  const { usable, reason } = cudaStatus()

  test('auto is the first GPU, or the CPU', () => {
    expect(resolveDevice()).toBe(usable ? 'cuda:0' : 'cpu')
    expect(resolveDevice('auto')).toBe(resolveDevice())
    expect(resolveDevice('cpu')).toBe('cpu')
  })

  test.runIf(usable)('cuda is the first GPU; others by number', () => {
    expect(resolveDevice('cuda')).toBe('cuda:0')
    expect(resolveDevice('cuda:0')).toBe('cuda:0')
    expect(codeOf(() => resolveDevice('cuda:999'))).toBe('ERR_DEVICE')
  })

  test.runIf(!usable)('a GPU asked for by name is an error that says what is missing', () => {
    for (const option of ['cuda', 'cuda:0', 'cuda:3'] as const) {
      expect(codeOf(() => resolveDevice(option))).toBe('ERR_DEVICE')
      expect(() => resolveDevice(option)).toThrow(reason)
      expect(() => resolveDevice(option)).toThrow(`'${option}'`)
    }
  })

  test('what is no device is an error on any machine', () => {
    for (const wrong of [
      '',
      'gpu',
      'CPU',
      'cuda:',
      'cuda:-1',
      'cuda:1.5',
      'cuda:01',
      'cuda:1x',
      'cuda:99999',
      3,
      null,
      {},
    ]) {
      expect(codeOf(() => resolveDevice(wrong as DeviceOption))).toBe('ERR_ARGUMENT')
    }
  })
})

describe('threads', () => {
  test('start at the physical cores and can be set', () => {
    const [cpu] = devices()
    const start = getNumThreads()
    expect(start).toBe(cpu.kind === 'cpu' && cpu.cores)
    setNumThreads(3)
    expect(getNumThreads()).toBe(3)
    setNumThreads(start)
  })

  test('cannot be none, half or a million', () => {
    for (const wrong of [0, -1, 1.5, NaN, 1e6, '2', null]) {
      expect(
        codeOf(() => {
          setNumThreads(wrong as number)
        }),
      ).toBe('ERR_ARGUMENT')
    }
  })
})

test('measureMachine finds rates above those of any slow machine and below those of any fast one', () => {
  const { peakFlops, bandwidth } = measureMachine({ threads: 1, milliseconds: 5 })
  // One core: at least one flop per ten cycles of 1 GHz, at most 512 per cycle of 10 GHz; memory likewise.
  expect(peakFlops).toBeGreaterThan(1e8)
  expect(peakFlops).toBeLessThan(5e12)
  expect(bandwidth).toBeGreaterThan(1e7)
  expect(bandwidth).toBeLessThan(1e13)
  expect(codeOf(() => measureMachine({ threads: 0 }))).toBe('ERR_ARGUMENT')
  expect(codeOf(() => measureMachine({ milliseconds: -1 }))).toBe('ERR_ARGUMENT')
})
