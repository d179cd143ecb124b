import type { TopLevelSpec } from 'vega-lite' with { 'resolution-mode': 'import' }
import { GauntletError } from '../../runtime/errors.js'

/** Draws a chart. */
export type Renderer = (chart: TopLevelSpec) => Promise<string>

/**
 * What draws charts as SVG: vega-lite, loaded here and nowhere else. It is an optional peer dependency, for it takes as much room as
 * everything else.
 *
 * @throws GauntletError `ERR_DEPENDENCY` where it is not installed
 */
export async function loadRenderer(): Promise<Renderer> {
  const { parse, View } = await installed(() => import('vega'))
  const { compile } = await installed(() => import('vega-lite'))
  return async (chart) => {
    const view = new View(parse(compile(chart).spec), { renderer: 'none' })
    try {
      return await view.toSVG()
    } finally {
      view.finalize()
    }
  }
}

async function installed<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause
    const message = 'Charts are drawn by vega-lite, which is not installed: npm install vega vega-lite@6.4'
    throw new GauntletError('ERR_DEPENDENCY', message, { cause })
  }
}
