import { declarations } from './palette.js'

/** The style sheet of every page. The scheme is the reader's system's unless the button has set data-theme. */
export const STYLE = `
:root { color-scheme: light; ${declarations('light')} }
@media (prefers-color-scheme: dark) { :root:not([data-theme='light']) { color-scheme: dark; ${declarations('dark')} } }
:root[data-theme='dark'] { color-scheme: dark; ${declarations('dark')} }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 5rem; max-width: 66rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1, h2 { font-family: Charter, 'Iowan Old Style', 'Palatino Linotype', Palatino, Georgia, serif; font-weight: 600; line-height: 1.2; }
h1 { margin: 0 0 0.4rem; font-size: clamp(1.7rem, 1.2rem + 2.2vw, 2.5rem); letter-spacing: -0.01em; }
h2 { margin: 4rem 0 0.5rem; font-size: 1.5rem; }
h3 { margin: 0 0 0.1rem; font-size: 1rem; font-weight: 600; }
p { margin: 0 0 1rem; max-width: 42rem; }
code { white-space: nowrap; font-family: ui-monospace, 'SF Mono', Menlo, Consolas, monospace; font-size: 0.9em; }
.quiet { color: var(--quiet); }
.facts { display: flex; flex-wrap: wrap; column-gap: 1rem; }
.facts span { min-width: 0; }
.lede { font-size: 1.1rem; margin-top: 1.25rem; }
header { position: relative; padding-right: 5.5rem; }
button, select { font: inherit; font-size: 0.875rem; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: 0.3rem 0.7rem; }
button:focus-visible, select:focus-visible { outline: 2px solid var(--cg-sparse); outline-offset: 2px; }
#theme { position: absolute; top: 0; right: 0; cursor: pointer; }
.chooser { display: inline-flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin-top: 0.5rem; max-width: 100%; }
.chooser select { max-width: 100%; }
figure { margin: 0; }
figcaption { margin-bottom: 0.4rem; }
figcaption p { margin: 0; font-size: 0.875rem; line-height: 1.4; color: var(--quiet); }
figure svg { display: block; width: 100%; height: auto; }
figure svg text { font-variant-numeric: tabular-nums; }
figure svg .role-mark text { paint-order: stroke; stroke: var(--paper); stroke-width: 3.5px; stroke-linejoin: round; }
figure svg [aria-roledescription='point'], figure svg [aria-roledescription='square'] { cursor: crosshair; }
.centrepiece { margin: 1.5rem 0 2.5rem; }
.narrow { display: none; }
.charts { display: grid; gap: 2.25rem 2.5rem; margin-top: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr)); }
.charts figure { max-width: 31rem; }
.matrices { grid-template-columns: repeat(auto-fill, minmax(min(13rem, 100%), 1fr)); gap: 2rem 1.5rem; }
.matrices figure { max-width: 19rem; }
.key { display: flex; flex-wrap: wrap; gap: 0.3rem 1.5rem; margin: 1rem 0 0; padding: 0; list-style: none; font-size: 0.875rem; }
.key li { display: flex; gap: 0.5rem; align-items: center; color: var(--quiet); }
.key code { white-space: nowrap; color: var(--ink); }
.scroll { overflow: auto; max-height: 36rem; margin-top: 1rem; border-block: 1px solid var(--line); }
table { border-collapse: separate; border-spacing: 0; font-size: 0.8125rem; white-space: nowrap; min-width: 100%; }
th { position: sticky; top: 0; background: var(--paper); border-bottom: 1px solid var(--quiet); padding: 0; vertical-align: bottom; }
th button { all: unset; display: block; width: 100%; box-sizing: border-box; padding: 0.5rem 0.7rem; cursor: pointer; font-weight: 600; text-align: right; white-space: pre; line-height: 1.25; }
th button:focus-visible { outline: 2px solid var(--cg-sparse); outline-offset: -2px; }
th button::before { content: '\\2195'; margin-right: 0.3em; font-weight: 400; opacity: 0; }
th button:hover::before, th button:focus-visible::before { opacity: 0.5; }
th[aria-sort] button::before { opacity: 1; }
th[aria-sort='ascending'] button::before { content: '\\2191'; }
th[aria-sort='descending'] button::before { content: '\\2193'; }
th.words button::before { float: right; margin: 0 0 0 0.3em; }
td { padding: 0.28rem 0.7rem; text-align: right; border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
tbody tr:hover td { background: var(--raised); }
td.words, th.words button { text-align: left; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.25rem 1.5rem; margin: 1rem 0 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
#about { position: fixed; z-index: 1; pointer-events: none; white-space: pre-line; max-width: 20rem; padding: 0.45rem 0.65rem; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); color: var(--ink); font-size: 0.8125rem; line-height: 1.4; }
[hidden] { display: none !important; }
@media (max-width: 42rem) {
  body { padding: 1.5rem 1rem 4rem; }
  h2 { margin-top: 3rem; }
  .wide { display: none; }
  .narrow { display: block; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.6rem; }
}
@media print { #theme, .chooser { display: none; } .scroll { max-height: none; } }
`
