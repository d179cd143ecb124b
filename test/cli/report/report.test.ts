import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { gauntlet } from '../capture.js'
import { PROVENANCE, RATES, readTable, row, type Run, sampleRun, Scratch } from './run.js'

const scratch = new Scratch()
afterAll(() => scratch.remove())

async function report(run: unknown, ...args: string[]): Promise<string> {
  const { status, out, err } = await gauntlet('report', scratch.write('run.json', run), ...args)
  expect([status, err]).toEqual([0, ''])
  return out
}

/** Elements that HTML closes itself. */
const VOID = new Set(['meta', 'br', 'hr', 'img', 'input', 'link'])

/** Every tag is closed by its own, in order; throws where one is not. */
function checkTags(page: string): void {
  const open: string[] = []
  const markup = page.replaceAll(/<(style|script)>.*?<\/\1>/gs, '').replace('<!doctype html>', '')
  for (const [, closing, name, rest] of markup.matchAll(/<(\/?)([a-zA-Z0-9]+)((?:[^<>"']|"[^"]*"|'[^']*')*)>/g)) {
    if (closing) expect(name).toBe(open.pop())
    else if (!VOID.has(name) && !rest.endsWith('/')) open.push(name)
  }
  expect(open).toEqual([])
  // Nothing that looks like the beginning of a tag is none.
  expect(markup.replaceAll(/<\/?[a-zA-Z0-9]+(?:[^<>"']|"[^"]*"|'[^']*')*>/g, '')).not.toMatch(/[<>]/)
}

/** Nothing is fetched: the only addresses are names of XML namespaces. */
function checkSelfContained(text: string): void {
  expect(text.replaceAll(/xmlns(:xlink)?="http:\/\/www\.w3\.org\/[0-9a-z/]+"/g, '')).not.toMatch(/https?:|\/\/[a-z]/i)
  expect(text).not.toMatch(/\s(src|href|xlink:href|srcset|action|data)=|url\(|@import/i)
}

test('a run that bench has made becomes one page that loads nothing', async () => {
  const args = ['--lmax', '0..3', '--settings', 'mimo,full', '--channels', '2', '--batch', '3', '--seconds', '0.01']
  const { out } = await gauntlet('bench', ...args, '--device', 'cpu', '--threads', '1', '--json')
  const run = JSON.parse(out) as Run
  const page = await report(run)
  checkTags(page)
  checkSelfContained(page)
  expect(page).toContain('Content-Security-Policy')
  for (const name of ['tradeoff-mimo', 'time-mimo', 'time-full', 'roofline-full', 'couplings-matrix']) {
    expect(page).toMatch(new RegExp(`<figure id="${name}">.*?<svg .*?</svg>`, 's'))
  }
  expect(readTable(page, 'rows')).toHaveLength(run.rows.length)
  expect(readTable(page, 'growth')).toHaveLength(run.growth!.length)
})

test('what tells rows of one case apart stands beside it', async () => {
  const { rows } = sampleRun()
  const titles = async (run: Run) => Object.keys(readTable(await report(run), 'rows')[0])
  expect((await titles(sampleRun())).slice(0, 4)).toEqual(['setting', 'lmax', 'method', 'ns/channel'])
  const passes = [...rows, ...rows.map(({ method, setting, lmax }) => row({ method, setting, lmax, pass: 'backward' }))]
  expect((await titles(sampleRun({ rows: passes }))).slice(2, 5)).toEqual(['method', 'pass', 'ns/channel'])
  const sweep = [
    ...rows,
    ...rows.map(({ method, setting, lmax }) => row({ method, setting, lmax, channels: 8, batch: 20 })),
  ]
  expect((await titles(sampleRun({ rows: sweep }))).slice(2, 5)).toEqual(['method', 'channels', 'batch'])
})

test('the table has the numbers of the file', async () => {
  const run = sampleRun()
  const table = readTable(await report(run), 'rows')
  expect(table).toHaveLength(run.rows.length)
  for (const [n, { seconds, floor, ...cell }] of run.rows.entries()) {
    for (const name of [
      'method',
      'setting',
      'lmax',
      'pass',
      'channels',
      'batch',
      'threads',
      'device',
      'paths',
      'outputs',
      'error',
    ] as const) {
      expect(table[n][name].value).toBe(String(cell[name]))
    }
    for (const name of ['median', 'p10', 'p90'] as const) expect(table[n][name].value).toBe(String(seconds[name]))
    const perChannel = (1e9 * seconds.median) / (cell.batch * cell.channels)
    expect(Number(table[n]['ns/channel'].value)).toBe(perChannel)
    // What is read has three digits.
    expect(Number(table[n]['ns/channel'].text) / perChannel).toBeCloseTo(1, 2)
    expect(Number(table[n]['of roofline'].value)).toBe(floor.seconds / seconds.median)
    expect(Number(table[n]['flop/s'].value)).toBe(floor.flops / seconds.median)
  }
})

test('expressivity is that of the row, or computed', async () => {
  const rows = [row({ method: 'cg-sparse', lmax: 3 }), row({ lmax: 3 }), row({ lmax: 4, expressivity: 1234 })]
  const table = readTable(await report(sampleRun({ rows })), 'rows')
  // l <= 3 of parity (-1)^l: 30 paths have an even sum of degrees; one channel of a Gaunt product reaches 4 lmax + 1.
  expect(table.map(({ expressivity }) => expressivity.value)).toEqual(['30', '13', '1234'])
})

test('text of the file stays text', async () => {
  const evil = '</title></style></script><script>alert(1)</script><img src=x onerror="alert(1)">\'&amp;'
  const provenance = { ...PROVENANCE, processor: evil, compiler: evil, isa: evil, system: evil, date: evil, gpu: evil }
  const page = await report(sampleRun({ provenance }))
  checkTags(page)
  expect(page.match(/<script>/g)).toHaveLength(1)
  expect(page).not.toContain('<img')
  expect(page).toContain(
    '&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;amp;',
  )
})

test('-o writes the page whole, --svg every chart as a file of its own', async () => {
  const [page, folder] = [join(scratch.folder, 'page.html'), join(scratch.folder, 'deep', 'figures')]
  expect(await report(sampleRun(), '-o', page, '--svg', folder)).toBe('')
  expect(readFileSync(page, 'utf8')).toBe(await report(sampleRun()))
  expect(readdirSync(scratch.folder).filter((name) => name.includes('.part'))).toEqual([])
  // siso has nothing to trade: every row reaches one dimension.
  const names = ['couplings-cg-sparse', 'couplings-grid', 'couplings-matrix', 'roofline-mimo', 'roofline-siso']
  const files = [...names, 'time-mimo', 'time-siso', 'tradeoff-mimo'].map((name) => `${name}.svg`)
  expect(readdirSync(folder)).toEqual(files)
  for (const file of files) {
    const svg = readFileSync(join(folder, file), 'utf8')
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg".*<\/svg>$/s)
    checkTags(svg)
    checkSelfContained(svg)
    // Colours are values: nothing but a page knows its variables.
    expect(svg).not.toContain('var(')
  }
})

test('what cannot be written is an error, and leaves nothing behind', async () => {
  const before = readdirSync(scratch.folder)
  const file = scratch.write('run.json', sampleRun())
  const missing = await gauntlet('report', file, '-o', join(scratch.folder, 'none', 'page.html'))
  expect(missing).toMatchObject({
    status: 1,
    out: '',
    err: expect.stringMatching(/Cannot write .*page\.html/) as string,
  })
  const onFile = await gauntlet('report', file, '--svg', file)
  expect(onFile).toMatchObject({ status: 1, out: '', err: expect.stringMatching(/Cannot write .*run\.json/) as string })
  expect(readdirSync(scratch.folder)).toEqual([...new Set([...before, 'run.json'])].sort())
})

const only = (change: object) => ({ provenance: PROVENANCE, rates: [RATES], rows: [{ ...row(), ...change }] })

test.each<[string, unknown, RegExp]>([
  ['cut short', JSON.stringify(sampleRun()).slice(0, 900), /not one whole JSON document/],
  ['something else', [1, 2], /Expected an object for its document/],
  ['output of bench --bars', { provenance: PROVENANCE, bars: [], rounds: [] }, /Expected a list for rows/],
  ['no rows', { provenance: PROVENANCE, rates: [RATES], rows: [] }, /Expected rows/],
  ['no rates', { provenance: PROVENANCE, rows: [row()] }, /Expected a list for rates/],
  ['rates of other threads', { ...sampleRun(), rates: [{ ...RATES, threads: 1 }] }, /Expected rates for 2 threads/],
  [
    'a rate of zero',
    { ...sampleRun(), rates: [{ ...RATES, bandwidth: 0 }] },
    /a positive number for rates\[0\]\.bandwidth/,
  ],
  ['an unknown method', only({ method: '<b>' }), /one of cg-sparse, .* for rows\[0\]\.method but received "<b>"/],
  ['an unknown setting', only({ setting: 'x' }), /one of siso, .* for rows\[0\]\.setting/],
  ['a degree that is too large', only({ lmax: 1e9 }), /a whole number from 0 to 10 for rows\[0\]\.lmax/],
  ['half a degree', only({ lmax: 1.5 }), /a whole number from 0 to 10 for rows\[0\]\.lmax/],
  ['no channels', only({ channels: 0 }), /rows\[0\]\.channels/],
  ['a product without a path', only({ setting: 'siso', lmax: 3 }), /a degree at which grid has a path in siso/],
  ['a time without end', JSON.stringify(only({})).replace(/"median":[^,]*/, '"median":1e999'), /seconds\.median/],
  ['a time of nothing', only({ seconds: { p10: 5e-324, median: 5e-324, p90: 5e-324 } }), /seconds\.median/],
  ['deciles out of order', only({ seconds: { p10: 2, median: 1, p90: 3 } }), /p10 <= median <= p90/],
  ['negative work', only({ floor: { flops: -1, bytes: 1, seconds: 1 } }), /rows\[0\]\.floor\.flops/],
  ['a strange device', only({ device: '../../x' }), /cpu or cuda:N for rows\[0\]\.device/],
  ['expressivity of a half', only({ expressivity: 0.5 }), /rows\[0\]\.expressivity/],
])('a file with %s is refused', async (_, content, message) => {
  const file = scratch.write('bad.json', content)
  const page = join(scratch.folder, 'bad.html')
  const { status, out, err } = await gauntlet('report', file, '-o', page)
  expect([status, out]).toEqual([1, ''])
  expect(err).toMatch(message)
  expect(err).toContain(file)
  expect(existsSync(page)).toBe(false)
})

test.each([
  [[], 2, /Missing argument FILE/],
  [['a', 'b'], 2, /Unexpected argument "b"/],
  [['-x', 'a'], 2, /Unknown option/],
  [['none.json'], 1, /Cannot read none.json/],
])('report %j exits with %i', async (args, status, message) => {
  expect(await gauntlet('report', ...args)).toMatchObject({
    status,
    out: '',
    err: expect.stringMatching(message) as string,
  })
})

test('without vega-lite it says what to install', () => {
  const root = resolve(__dirname, '../../..')
  cpSync(join(root, 'dist'), join(scratch.folder, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(scratch.folder, 'package.json'))
  expect(() =>
    execFileSync('node', ['-e', 'require.resolve("vega")'], { cwd: scratch.folder, stdio: 'ignore' }),
  ).toThrow()
  const file = scratch.write('run.json', sampleRun())
  const { status, stdout, stderr } = spawnSync('node', ['dist/cli/main.js', 'report', file], {
    cwd: scratch.folder,
    encoding: 'utf8',
  })
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toBe(
    'gauntlet report: Charts are drawn by vega-lite, which is not installed: npm install vega vega-lite@6.4\n',
  )
})
