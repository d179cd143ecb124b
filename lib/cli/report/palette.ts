import type { MethodName } from '../methods.js'

export type Scheme = 'light' | 'dark'

/** What is drawn as a curve: methods, and the two sides of a training. */
export type CurveName = MethodName | 'training' | 'validation'

/** How a curve is drawn, in every chart. */
export interface Style {
  /** In light and dark. */
  colour: Record<Scheme, string>
  shape: 'circle' | 'square' | 'diamond' | 'triangle-up'
  dash: readonly number[]
}

/**
 * Hues after Okabe and Ito, which the colour-blind tell apart; methods of one kind of product differ in shape and dash besides.
 * Each has a contrast of 4.5 : 1 or more to the page, for names of curves are written in them.
 */
export const STYLES: Record<CurveName, Style> = {
  'cg-sparse': { colour: { light: '#0067a5', dark: '#5aa9e6' }, shape: 'circle', dash: [] },
  'cg-dense': { colour: { light: '#2b7bb0', dark: '#9accf2' }, shape: 'square', dash: [5, 3] },
  'gaunt-sparse': { colour: { light: '#9c6700', dark: '#f0b43c' }, shape: 'square', dash: [] },
  fourier: { colour: { light: '#8a6d4b', dark: '#c9ad8a' }, shape: 'triangle-up', dash: [2, 2] },
  grid: { colour: { light: '#cc4b00', dark: '#ff8142' }, shape: 'circle', dash: [] },
  'grid-large': { colour: { light: '#ad5a34', dark: '#ffb08a' }, shape: 'diamond', dash: [5, 3] },
  vector: { colour: { light: '#008564', dark: '#33c79f' }, shape: 'circle', dash: [] },
  'vector-sparse': { colour: { light: '#35806b', dark: '#8fdcc6' }, shape: 'square', dash: [5, 3] },
  matrix: { colour: { light: '#9c4685', dark: '#e08cc6' }, shape: 'diamond', dash: [] },
  training: { colour: { light: '#0067a5', dark: '#5aa9e6' }, shape: 'square', dash: [5, 3] },
  validation: { colour: { light: '#cc4b00', dark: '#ff8142' }, shape: 'circle', dash: [] },
}

/** Everything else. */
const INK: Record<string, Record<Scheme, string>> = {
  paper: { light: '#fdfdfb', dark: '#15171a' },
  raised: { light: '#f4f4f0', dark: '#1e2125' },
  ink: { light: '#1d2023', dark: '#e8e8e4' },
  quiet: { light: '#5d6369', dark: '#a2a8ae' },
  line: { light: '#e1e1db', dark: '#2f343a' },
}

/** A colour of the page by name, as style sheets and charts refer to it. */
export function colour(name: CurveName | 'paper' | 'raised' | 'ink' | 'quiet' | 'line'): string {
  return `var(--${name})`
}

const COLOURS: Record<string, Record<Scheme, string>> = {
  ...INK,
  ...Object.fromEntries(Object.entries(STYLES).map(([name, { colour }]) => [name, colour])),
}

/** The declarations of all colours. */
export function declarations(scheme: Scheme): string {
  return Object.entries(COLOURS)
    .map(([name, value]) => `--${name}:${value[scheme]};`)
    .join('')
}

/** The same text with values in place of references, for a file of its own. */
export function resolveColours(svg: string, scheme: Scheme): string {
  return svg.replaceAll(/var\(--([a-z-]+)\)/g, (reference, name: string) => COLOURS[name]?.[scheme] ?? reference)
}
