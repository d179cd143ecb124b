import { describe, expect, it } from 'vitest'
import { Irrep, Irreps } from '../../lib/o3/irreps.js'
import type { IrrepsLike, Parity } from '../../lib/o3/irreps.js'
import { loadReference } from '../reference/load.js'
import { errorOf } from './helpers.js'

interface FullTensorProductCase {
  irreps_in1: string
  irreps_in2: string
  irreps_out: string
  filter_ir_out: string[] | null
}

describe('Irrep', () => {
  it('parses and prints', () => {
    for (const [text, l, p] of [
      ['0e', 0, 1],
      ['1o', 1, -1],
      [' 2e ', 2, 1],
      ['12o', 12, -1],
    ] as const) {
      const irrep = Irrep.parse(text)
      expect([irrep.l, irrep.p, irrep.dim, irrep.toString()]).toEqual([l, p, 2 * l + 1, text.trim()])
    }
    expect(Irrep.parse('1y').toString()).toBe('1o')
    expect(Irrep.parse('2y').toString()).toBe('2e')
  })

  it.each(['', 'e', '1', '1x0e', '-1o', '1.5o', '1O', '1o+', '1o 2e', '1z', '99999o', 'o1'])('refuses %j', (text) => {
    expect(errorOf(() => Irrep.parse(text)).code).toBe('ERR_IRREPS')
  })

  it('refuses degrees and parities that are none', () => {
    for (const [l, p] of [
      [-1, 1],
      [0.5, 1],
      [NaN, 1],
      [Infinity, 1],
      [23170, 1],
      [1, 0],
      ['1', 1],
    ]) {
      expect(errorOf(() => new Irrep(l as number, p as Parity)).code).toBe('ERR_IRREPS')
    }
  })

  it('multiplies by the selection rules', () => {
    expect(Irrep.parse('1o').product('1o').join()).toBe('0e,1e,2e')
    expect(Irrep.parse('2e').product('3o').join()).toBe('1o,2o,3o,4o,5o')
    expect(Irrep.parse('0o').product('4o').join()).toBe('4e')
    for (const [a, b] of [
      ['3o', '5e'],
      ['7o', '7o'],
    ] as const) {
      const dims = Irrep.parse(a).product(b)
      expect(dims.reduce((sum, { dim }) => sum + dim, 0)).toBe(Irrep.parse(a).dim * Irrep.parse(b).dim)
    }
  })

  it('is immutable', () => {
    expect(() => Object.assign(Irrep.parse('1o'), { l: 2 })).toThrow(TypeError)
  })
})

describe('Irreps', () => {
  it('reads every form of list', () => {
    const wanted = '2x0e+1x1o+3x2e'
    const forms: IrrepsLike[] = [
      wanted,
      ' 2 x 0e +1o\t+\n3x2e ',
      new Irreps(wanted),
      [{ mul: 2, ir: '0e' }, '1o', [3, '2e']],
      new Set([{ mul: 2, ir: new Irrep(0, 1) }, new Irrep(1, -1), { mul: 3, ir: '2y' }]),
    ]
    for (const form of forms) expect(new Irreps(form).toString()).toBe(wanted)
    expect(new Irreps(new Irrep(1, -1)).toString()).toBe('1x1o')
  })

  it('takes nothing as the empty sum', () => {
    for (const form of [undefined, '', '  ', []]) {
      const { dim, count, length, lmax } = new Irreps(form)
      expect([dim, count, length, lmax]).toEqual([0, 0, 0, -1])
      expect(new Irreps(form).toString()).toBe('')
    }
  })

  it('counts', () => {
    const irreps = new Irreps('100x0e + 50x1e + 0x2e')
    expect([irreps.dim, irreps.count, irreps.length, irreps.lmax]).toEqual([250, 150, 3, 1])
    expect(irreps.toString()).toBe('100x0e+50x1e+0x2e')
    expect(irreps.slices()).toEqual([
      { start: 0, end: 100 },
      { start: 100, end: 250 },
      { start: 250, end: 250 },
    ])
    expect([...irreps].map(({ mul, ir, dim }) => [mul, ir.toString(), dim])).toEqual([
      [100, '0e', 100],
      [50, '1e', 150],
      [0, '2e', 0],
    ])
    expect(new Irreps('1e+0e+2x1e').multiplicity('1e')).toBe(3)
    expect(new Irreps('0e+2e').has('2e')).toBe(true)
    expect(new Irreps('0e+2e').has('2o')).toBe(false)
    expect(irreps.at(-2).ir.toString()).toBe('1e')
    for (const i of [3, -4, 0.5, NaN]) expect(errorOf(() => irreps.at(i)).code).toBe('ERR_ARGUMENT')
  })

  // The examples of e3nn's documentation of Irreps.sort, and the order of its FullTensorProduct outputs.
  it("sorts in e3nn's order, with both permutations", () => {
    const { irreps, permutation, inverse } = new Irreps('2o + 1e + 0e + 1e').sort()
    expect(irreps.toString()).toBe('1x0e+1x1e+1x1e+1x2o')
    expect(permutation).toEqual([3, 1, 0, 2])
    expect(inverse).toEqual([2, 1, 3, 0])
    expect(new Irreps('1e+2e+0e+2o+1o+0o').sort().irreps.toString()).toBe('1x0o+1x0e+1x1o+1x1e+1x2o+1x2e')
    expect(new Irreps('3x1e+1x1e+2x1e').sort().irreps.toString()).toBe('3x1e+1x1e+2x1e')
  })

  it("finds the outputs of e3nn's FullTensorProduct, in its order", () => {
    const cases = loadReference('e3nn').cases.filter(({ tp }) => tp === 'FullTensorProduct')
    expect(cases.length).toBeGreaterThan(3)
    for (const { irreps_in1, irreps_in2, irreps_out, filter_ir_out } of cases as unknown as FullTensorProductCase[]) {
      const blocks = [...new Irreps(irreps_in1)].flatMap(({ mul, ir }) =>
        [...new Irreps(irreps_in2)].flatMap((right) =>
          ir.product(right.ir).map((out) => ({ mul: mul * right.mul, ir: out })),
        ),
      )
      const { irreps } = new Irreps(blocks).filter(filter_ir_out ?? (() => true)).sort()
      expect(irreps.toString()).toBe(irreps_out)
    }
  })

  it('simplifies neighbours only', () => {
    expect(new Irreps('1e + 1e + 0e').simplify().toString()).toBe('2x1e+1x0e')
    expect(new Irreps('1e + 1e + 0e + 1e').simplify().toString()).toBe('2x1e+1x0e+1x1e')
    expect(new Irreps('0x0e + 1o + 0x2e + 1o').simplify().toString()).toBe('2x1o')
  })

  it('filters, concatenates, repeats', () => {
    const irreps = new Irreps('4x0e + 2x1o + 1x2e')
    expect(irreps.filter('0e + 2e').toString()).toBe('4x0e+1x2e')
    expect(irreps.filter(({ ir }) => ir.l <= 1).toString()).toBe('4x0e+2x1o')
    expect(irreps.concat('1o').toString()).toBe('4x0e+2x1o+1x2e+1x1o')
    expect(new Irreps('0e + 1e').repeat(2).toString()).toBe('1x0e+1x1e+1x0e+1x1e')
    expect(new Irreps('2x1e').repeat(3).simplify().toString()).toBe('6x1e')
    expect(irreps.repeat(0).length).toBe(0)
    expect(errorOf(() => irreps.repeat(-1)).code).toBe('ERR_ARGUMENT')
    expect(errorOf(() => new Irreps('0x0e').repeat(1e15)).code).toBe('ERR_IRREPS')
    expect(errorOf(() => irreps.repeat(1e9)).code).toBe('ERR_IRREPS')
  })

  it('lists the irreps that a product reaches', () => {
    expect(new Irreps('0e+1o').product('1o+0x5e').join()).toBe('0e,1o,1e,2e')
  })

  it('knows the spherical harmonics', () => {
    expect(Irreps.sphericalHarmonics(3).toString()).toBe('1x0e+1x1o+1x2e+1x3o')
    expect(Irreps.sphericalHarmonics(4, 1).toString()).toBe('1x0e+1x1e+1x2e+1x3e+1x4e')
    for (const lmax of [-1, 1.5, NaN, 1e9]) {
      expect(errorOf(() => Irreps.sphericalHarmonics(lmax)).code).toBe('ERR_ARGUMENT')
    }
  })

  it('compares block by block', () => {
    expect(new Irreps('2x0e+1o').equals('2x0e + 1x1o')).toBe(true)
    expect(new Irreps('2x0e').equals('0e+0e')).toBe(false)
    expect(new Irreps('2x0e').equals('2x0o')).toBe(false)
  })

  it('prints what it parses', () => {
    for (const text of ['', '1x0e', '32x0e+32x1o', '0x3e+7x11o']) {
      expect(new Irreps(text).toString()).toBe(text)
      expect(JSON.stringify({ irreps: new Irreps(text) })).toBe(JSON.stringify({ irreps: text }))
    }
  })

  // [text, position that the message names, what it expected there]
  it.each([
    ['32x0f + 1o', 4, '"e", "o" or "y"'],
    ['32x0', 4, '"e", "o" or "y"'],
    ['32', 2, '"x", "e", "o" or "y"'],
    ['32x', 3, 'a degree l'],
    ['x0e', 0, 'a multiplicity or a degree l'],
    ['0e + ', 5, 'a multiplicity or a degree l'],
    ['+ 0e', 0, 'a multiplicity or a degree l'],
    ['0e ++ 1o', 4, 'a multiplicity or a degree l'],
    ['0e 1o', 3, '"+" or the end'],
    ['0e, 1o', 2, '"+" or the end'],
    ['-2x0e', 0, 'a multiplicity or a degree l'],
    ['2x-1o', 2, 'a degree l'],
    ['2.5x0e', 1, '"x", "e", "o" or "y"'],
    ['1e3x0e', 2, '"+" or the end'],
    ['2 2x0e', 2, '"x", "e", "o" or "y"'],
    ['2X0e', 1, '"x", "e", "o" or "y"'],
    ['2x0E', 3, '"e", "o" or "y"'],
    ['２x0e', 0, 'a multiplicity or a degree l'],
    ['NaNx0e', 0, 'a multiplicity or a degree l'],
    ['0e\u0000', 2, '"+" or the end'],
    ['99999999999999999999x0e', 0, 'of at most 2147483647'],
    ['1x99999e', 2, 'a degree l of at most 23169'],
    ['99999e', 0, 'a degree l of at most 23169'],
    ['1e + 2147483647x1o', 5, 'a total dimension of at most 2147483647'],
    ['2147483647x0e + 0e', 16, 'a total dimension of at most 2147483647'],
  ])('points at the place in %j', (text, position, what) => {
    const { code, message } = errorOf(() => new Irreps(text))
    expect(code).toBe('ERR_IRREPS')
    expect(message).toContain(`position ${position} `)
    expect(message).toContain(what)
    const [, shown, caret] = message.split('\n')
    expect(shown.replaceAll(' ', '')).toBe(text.replace('\u0000', '').replaceAll(' ', ''))
    expect(caret.indexOf('^')).toBe(position + 2)
  })

  it('shows a window of a long string, caret in place', () => {
    const text = `${'1x0e+'.repeat(1000)}1x0z${'+1x0e'.repeat(1000)}`
    const [, shown, caret] = errorOf(() => new Irreps(text)).message.split('\n')
    expect(shown.length).toBeLessThan(100)
    expect(shown[caret.indexOf('^')]).toBe('z')
  })

  it.each([
    [null],
    [3],
    [true],
    [{}],
    [{ mul: 1, ir: '0e' }],
    [() => '0e'],
    [[3]],
    [[null]],
    [[[1, '0e', 2]]],
    [[[1]]],
    [[{ mul: -1, ir: '0e' }]],
    [[{ mul: 0.5, ir: '0e' }]],
    [[{ mul: '2', ir: '0e' }]],
    [[{ mul: NaN, ir: '0e' }]],
    [[{ mul: 1, ir: undefined }]],
    [[{ mul: 2 ** 31, ir: '0e' }]],
    [[{ mul: 2 ** 30, ir: '1e' }]],
    [
      [
        [2 ** 30, '0e'],
        [2 ** 30, '0e'],
      ],
    ],
  ])('refuses %j', (spec) => {
    expect(errorOf(() => new Irreps(spec as unknown as IrrepsLike)).code).toBe('ERR_IRREPS')
  })
})
