import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GauntletError } from '../../lib/runtime/errors.js'
import { buildInfo, callNative, callNativeAsync, loadAddon, loadFrom } from '../../lib/runtime/native.js'

const root = resolve(__dirname, '../..')

/** What `call` throws. */
function thrown(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('buildInfo', () => {
  test('tells version, compiler, instruction sets and CUDA', () => {
    const info = buildInfo()
    expect(info.version).toMatch(/^\d+\.\d+\.\d+/)
    expect(info.napiVersion).toBe(8)
    expect(info.compiler).toMatch(/^\w+ \d+/)
    expect(info.isaLevels).toEqual(
      { x64: ['baseline', 'avx2', 'avx512'], arm64: ['neon'] }[process.arch as string] ?? ['baseline'],
    )
    if (info.cuda) {
      expect(info.cuda.version).toMatch(/^\d+\.\d+/)
      expect(info.cuda.architectures.length).toBeGreaterThan(0)
    }
  })
})

describe('loadAddon', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gauntlet-loader-'))
    mkdirSync(join(folder, 'build', 'Release'), { recursive: true })
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** A package of the given version with the given file for an addon. */
  function install(version: string, addon?: (path: string) => void): void {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'gauntlet-elsewhere', version }))
    addon?.(join(folder, 'build', 'Release', 'gauntlet.node'))
  }

  test('loads once', () => {
    expect(loadAddon()).toBe(loadAddon())
  })

  test('lists where it looked and the remedies where there is no addon', () => {
    install('1.2.3')
    const error = thrown(() => loadFrom(folder)) as GauntletError
    expect(error).toBeInstanceOf(GauntletError)
    expect(error.code).toBe('ERR_ADDON')
    expect(error.message).toContain('gauntlet 1.2.3')
    expect(error.message).toContain(`${join(folder, 'build', 'Release')}: no addon`)
    expect(error.message).toContain(
      `${join(folder, 'prebuilds', `${process.platform}-${process.arch}`)}: no such folder`,
    )
    expect(error.message).toContain('npm rebuild gauntlet')
  })

  test('passes on the reason where the file does not load', () => {
    install('1.2.3', (path) => writeFileSync(path, 'not a shared object'))
    const error = thrown(() => loadFrom(folder)) as GauntletError
    expect(error.code).toBe('ERR_ADDON')
    expect(error.message).toMatch(/gauntlet\.node does not load: \S+/)
  })

  test('refuses the addon of another version', () => {
    install('9.9.9', (path) => copyFileSync(join(root, 'build', 'Release', 'gauntlet.node'), path))
    const error = thrown(() => loadFrom(folder)) as GauntletError
    expect(error.code).toBe('ERR_ADDON')
    expect(error.message).toMatch(
      /^Expected the native addon of gauntlet 9\.9\.9 but .*gauntlet\.node belongs to \d+\.\d+\.\d+/,
    )
    expect(error.message).toContain('npm rebuild gauntlet')
  })
})

describe('callNative', () => {
  const native = (code: string) => Object.assign(new Error('what happened'), { code })

  test('gives native errors our class and keeps code and message', () => {
    const cause = native('ERR_LENGTH')
    const fail = () => {
      throw cause
    }
    expect(thrown(() => callNative(fail))).toMatchObject({
      name: 'GauntletError',
      code: 'ERR_LENGTH',
      message: 'what happened',
      cause,
    })
  })

  test('does so for promises', async () => {
    const error: unknown = await callNativeAsync(() => Promise.reject(native('ERR_CUDA'))).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(GauntletError)
    expect(error).toMatchObject({ code: 'ERR_CUDA', message: 'what happened' })
  })

  test('lets through what is not ours', () => {
    for (const error of [
      native('ERR_SOMETHING_ELSE'),
      new TypeError('a bug'),
      'a string',
      new GauntletError('ERR_FILE', 'x'),
    ]) {
      const fail = () => {
        throw error // eslint-disable-line @typescript-eslint/only-throw-error
      }
      expect(thrown(() => callNative(fail))).toBe(error)
    }
  })

  test('returns what the call returns', async () => {
    expect(callNative(() => 7)).toBe(7)
    expect(await callNativeAsync(() => Promise.resolve(7))).toBe(7)
  })
})
