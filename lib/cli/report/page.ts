import type { TopLevelSpec } from 'vega-lite' with { 'resolution-mode': 'import' }
import { Html, html } from './html.js'
import { resolveColours } from './palette.js'
import { SCRIPT } from './script.js'
import type { Renderer } from './svg.js'
import { STYLE } from './style.js'

/** A page by what differs between kinds of pages. */
export interface Page {
  title: string
  body: Html
}

/** Nothing but what is in the page is loaded, whatever a string in it may say. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

/** One file that needs no other. */
export function renderPage({ title, body }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        ${body}
        <div id="about" role="status" hidden></div>
        <script>
          ${new Html(SCRIPT)}
        </script>
      </body>
    </html> `.text
}

export interface FigureOptions {
  /** Of the SVG file. */
  name: string
  caption: Html
  chart: TopLevelSpec
  /** The same for phones, where scaling `chart` down would leave letters too small. */
  narrow?: TopLevelSpec
}

/** Draws figures, and keeps what it has drawn as files of their own. */
export class Figures {
  /** By name: SVG with the colours of the light page. */
  readonly files = new Map<string, string>()

  constructor(private readonly render: Renderer) {}

  async draw({ name, caption, chart, narrow }: FigureOptions): Promise<Html> {
    const svg = await this.render(chart)
    this.files.set(name, resolveColours(svg, 'light'))
    const drawing = narrow
      ? html`<div class="wide">${new Html(svg)}</div>
          <div class="narrow">${new Html(await this.render(narrow))}</div>`
      : new Html(svg)
    return html`<figure id="${name}">
      <figcaption>${caption}</figcaption>
      ${drawing}
    </figure> `
  }
}
