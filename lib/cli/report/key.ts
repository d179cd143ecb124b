import { type MethodName, METHODS } from '../methods.js'
import { Html, html } from './html.js'
import { colour, STYLES } from './palette.js'

const SHAPES: Record<(typeof STYLES)[MethodName]['shape'], string> = {
  circle: 'M14 4a4 4 0 1 1 0 8a4 4 0 1 1 0-8z',
  square: 'M10.5 4.5h7v7h-7z',
  diamond: 'M14 3l5 5l-5 5l-5-5z',
  'triangle-up': 'M14 3.5l4.5 8h-9z',
}

/** How a method is drawn, its name and what it is. */
export function keyEntry(method: MethodName): Html {
  const { shape, dash } = STYLES[method]
  const drawing = new Html(
    `<svg width="28" height="16" aria-hidden="true" fill="${colour(method)}" stroke="${colour(method)}" stroke-width="1.75">` +
      `<path d="M0 8h28" fill="none" stroke-dasharray="${dash.join(' ') || 'none'}"/><path d="${SHAPES[shape]}" stroke="none"/></svg>`,
  )
  return html`<li>
    ${drawing}<span><code>${method}</code> ${METHODS[method].title}</span>
  </li>`
}
