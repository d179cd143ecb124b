// The page as a browser shows it. Needs Debian's package `chromium`; without it these tests are skipped.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gauntlet } from '../capture.js'
import { type Row, row, sampleRun, Scratch } from './run.js'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
if (CHROMIUM === undefined)
  console.log('No Chromium is installed (Debian: apt-get install chromium): the report is not tested in a browser.')

const DESKTOP = { viewport: { width: 1280, height: 900 } }
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }

/** What a page's own expressions are told in: strings, since this project knows no types of browsers. */
const BACKGROUND = 'getComputedStyle(document.body).backgroundColor'

/** Drawn points are rounded to a thousandth of a pixel or so. */
const PIXEL = 0.02

describe.skipIf(CHROMIUM === undefined)('in Chromium', () => {
  const scratch = new Scratch()
  let browser: Browser
  /** What went wrong or was asked for beyond the page itself. */
  const complaints: string[] = []

  beforeAll(async () => {
    const { chromium } = await import('playwright-core')
    // Chromium's sandbox does not work for root, which containers run as.
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
    browser = await chromium.launch({ executablePath: CHROMIUM!, args })
  })
  afterAll(async () => {
    await browser.close()
    scratch.remove()
  })

  async function open(run: unknown, options: BrowserContextOptions = DESKTOP): Promise<Page> {
    const file = join(scratch.folder, 'report.html')
    const { status, err } = await gauntlet('report', scratch.write('run.json', run), '-o', file)
    expect([status, err]).toEqual([0, ''])
    const page = await browser.newPage(options)
    complaints.length = 0
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      if (request.url() !== `file://${file}`) complaints.push(request.url())
    })
    await page.goto(`file://${file}`)
    return page
  }

  /** Points of a figure: what each says, and where it is in the units of the drawing. */
  async function points(page: Page, figure: string): Promise<{ about: string; x: number; y: number }[]> {
    const marks = await page.locator(`#${figure} svg:visible [aria-roledescription="point"]`).all()
    return Promise.all(
      marks.map(async (mark) => {
        const [about, transform] = [await mark.getAttribute('aria-label'), await mark.getAttribute('transform')]
        const [, x, y] = /translate\(([-\d.]+),([-\d.]+)\)/.exec(transform!)!
        return { about: about!, x: Number(x), y: Number(y) }
      }),
    )
  }

  function rowOf(rows: readonly Row[], about: string): Row {
    const [, method, setting, lmax] = /^([\w-]+), (\w+), lmax (\d+)$/m.exec(about)!
    return rows.find((one) => one.method === method && one.setting === setting && one.lmax === Number(lmax))!
  }

  /** What y is at x, if it is a straight line through the points that are farthest apart. */
  function checkLine(values: readonly [x: number, y: number][]): void {
    const sorted = [...values].sort(([a], [b]) => a - b)
    const [[x0, y0], [x1, y1]] = [sorted[0], sorted[sorted.length - 1]]
    expect(x1).toBeGreaterThan(x0)
    for (const [x, y] of sorted) expect(Math.abs(y0 + ((x - x0) * (y1 - y0)) / (x1 - x0) - y)).toBeLessThan(PIXEL)
  }

  const nanoseconds = ({ seconds, batch, channels }: Row): number => (1e9 * seconds.median) / (batch * channels)

  test.each(['light', 'dark'] as const)(
    'every chart is there in the %s scheme, and nothing is complained of',
    async (colorScheme) => {
      const page = await open(sampleRun(), { ...DESKTOP, colorScheme })
      const charts = page.locator('figure svg:visible')
      expect(await charts.count()).toBe(8)
      for (const chart of await charts.all()) {
        const box = (await chart.boundingBox())!
        expect(Math.min(box.width, box.height)).toBeGreaterThan(150)
      }
      const stroke = `getComputedStyle(document.querySelector('#time-mimo [aria-roledescription="point"]')).stroke`
      const colours = [await page.evaluate<string>(BACKGROUND), await page.evaluate<string>(stroke)]
      expect(colours).toEqual(
        colorScheme === 'light' ? ['rgb(253, 253, 251)', 'rgb(0, 103, 165)'] : ['rgb(21, 23, 26)', 'rgb(90, 169, 230)'],
      )
      expect(complaints).toEqual([])
    },
  )

  test('points say the numbers of the file, and are where these are', async () => {
    const run = sampleRun()
    const page = await open(run)
    const mimo = run.rows.filter(({ setting }) => setting === 'mimo')
    const times = await points(page, 'time-mimo')
    expect(times).toHaveLength(mimo.length)
    expect(new Set(times.map(({ about }) => rowOf(mimo, about))).size).toBe(mimo.length)
    for (const { about } of times) {
      const said = Number(/^([\d.]+) ns per channel and sample$/m.exec(about)![1])
      // Three digits.
      expect(said / nanoseconds(rowOf(mimo, about))).toBeCloseTo(1, 2)
    }
    checkLine(times.map(({ about, y }) => [Math.log(nanoseconds(rowOf(mimo, about))), y]))
    checkLine(times.map(({ about, x }) => [Math.log(rowOf(mimo, about).lmax + 1), x]))

    const tradeOffs = await points(page, 'tradeoff-mimo')
    const expressivity = (about: string): number => Number(/^expressivity (\d+)$/m.exec(about)![1])
    for (const { about } of tradeOffs) {
      const { method, lmax } = rowOf(mimo, about)
      // Even paths of l <= L: (L + 1)(L + 2)(2L + 3) / 6 in closed form; 4L + 1 where paths are summed.
      const paths = ((lmax + 1) * (lmax + 2) * (2 * lmax + 3)) / 6
      if (method === 'cg-sparse') expect(expressivity(about)).toBe(paths)
      if (method === 'grid') expect(expressivity(about)).toBe(4 * lmax + 1)
    }
    checkLine(tradeOffs.map(({ about, x }) => [Math.log(expressivity(about)), x]))
    checkLine(tradeOffs.map(({ about, y }) => [Math.log(nanoseconds(rowOf(mimo, about))), y]))

    const roofs = await points(page, 'roofline-mimo')
    checkLine(
      roofs.map(({ about, x }) => [Math.log(rowOf(mimo, about).floor.flops / rowOf(mimo, about).floor.bytes), x]),
    )
    checkLine(
      roofs.map(({ about, y }) => [Math.log(rowOf(mimo, about).floor.flops / rowOf(mimo, about).seconds.median), y]),
    )
    await page.close()
  })

  test('a point that is pointed at says what it is', async () => {
    const page = await open(sampleRun())
    const mark = page.locator('#time-mimo [aria-roledescription="point"]').nth(3)
    await mark.hover()
    expect(await page.locator('#about').innerText()).toBe(await mark.getAttribute('aria-label'))
    await page.locator('h1').hover()
    expect(await page.locator('#about').isVisible()).toBe(false)
  })

  test('a table sorts by the title that is clicked, up and down', async () => {
    const run = sampleRun()
    const page = await open(run)
    const column = (title: string): Promise<string[]> =>
      page.evaluate(`(() => {
        const table = document.getElementById('rows')
        const index = [...table.tHead.rows[0].cells].findIndex((head) => head.textContent === '${title}')
        return [...table.tBodies[0].rows].map((row) => row.cells[index].dataset.value)
      })()`)
    const times = run.rows.map(nanoseconds).sort((a, b) => a - b)
    const head = page.locator('#rows th button', { hasText: 'ns/channel' })
    await head.click()
    expect((await column('ns/channel')).map(Number)).toEqual(times)
    await head.click()
    expect((await column('ns/channel')).map(Number)).toEqual([...times].reverse())
    expect(await page.locator('#rows th[aria-sort]').count()).toBe(1)
    await page.locator('#rows th button', { hasText: 'method' }).click()
    expect(await column('method')).toEqual(run.rows.map(({ method }) => method).sort())
  })

  test('the button turns light into dark and back, whatever the system prefers', async () => {
    const page = await open(sampleRun(), { ...DESKTOP, colorScheme: 'dark' })
    const background = () => page.evaluate<string>(BACKGROUND)
    const button = page.locator('#theme')
    expect([await background(), await button.innerText()]).toEqual(['rgb(21, 23, 26)', 'Light'])
    await button.click()
    expect([await background(), await button.innerText()]).toEqual(['rgb(253, 253, 251)', 'Dark'])
    await button.click()
    expect(await background()).toBe('rgb(21, 23, 26)')
  })

  test('one view is shown at a time', async () => {
    const { rows } = sampleRun()
    const page = await open(
      sampleRun({
        rows: [...rows, ...rows.map(({ method, setting, lmax }) => row({ method, setting, lmax, pass: 'backward' }))],
      }),
    )
    const shown = async () => {
      const figures = await page.locator('[data-view] figure:visible').all()
      return Promise.all(figures.map(async (figure) => (await figure.getAttribute('id'))!))
    }
    expect(await shown()).toContain('time-mimo-forward-3-channels-2-threads')
    const first = await shown()
    await page.locator('#view').selectOption({ label: 'backward, 3 channels, 2 threads' })
    expect(await shown()).toEqual(first.map((id) => id.replace('forward', 'backward')))
    expect(complaints).toEqual([])
  })

  test.each(['light', 'dark'] as const)('on a phone nothing is wider than the screen (%s)', async (colorScheme) => {
    const long = { provenance: { ...sampleRun().provenance, processor: 'Processor'.repeat(20) } }
    const page = await open(sampleRun(long), { ...PHONE, colorScheme })
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
    expect(wide).toBe(PHONE.viewport.width)
    expect(await page.locator('.wide').isVisible()).toBe(false)
    expect(await page.locator('.narrow svg').isVisible()).toBe(true)
    // Letters of charts, at the size at which they are shown.
    const sizes = await page.evaluate<number[]>(`
      [...document.querySelectorAll('figure svg text')]
        .filter((text) => text.textContent !== '' && text.checkVisibility())
        .map((text) => parseFloat(text.getAttribute('font-size')) * text.getScreenCTM().a)`)
    expect(Math.min(...sizes)).toBeGreaterThan(8)
    expect(complaints).toEqual([])
  })
})
