/** Text that is markup already. */
export class Html {
  constructor(readonly text: string) {}
}

/** Nothing for undefined. */
type Part = Html | string | number | readonly Html[] | undefined

/**
 * Markup with parts put in: strings are escaped, for text and for quoted attributes alike.
 *
 * @example
 * html`<p title="${'"'}">${'a < b'}</p>`.text // <p title="&quot;">a &lt; b</p>
 */
export function html(markup: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const texts = parts.map((part) => {
    if (typeof part === 'string' || typeof part === 'number') return escape(String(part))
    return part instanceof Html ? part.text : (part ?? []).map(({ text }) => text).join('')
  })
  return new Html(String.raw({ raw: markup }, ...texts))
}

function escape(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replaceAll(/[&<>"']/g, (character) => names[character])
}
