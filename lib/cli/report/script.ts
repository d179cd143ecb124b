/** What a page does in the browser; without it everything is there, one below the other. */
export const SCRIPT = `
'use strict'
const root = document.documentElement
const theme = document.getElementById('theme')
const system = matchMedia('(prefers-color-scheme: dark)')
const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches)
const nameTheme = () => { theme.textContent = isDark() ? 'Light' : 'Dark' }
theme.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; nameTheme() })
system.addEventListener('change', nameTheme)
theme.hidden = false
nameTheme()

const view = document.getElementById('view')
if (view) {
  const show = () => {
    for (const part of document.querySelectorAll('[data-view]')) part.hidden = part.dataset.view !== view.value
  }
  view.addEventListener('change', show)
  show()
}

for (const button of document.querySelectorAll('th button')) {
  button.addEventListener('click', () => {
    const head = button.parentElement
    const sign = head.ariaSort === 'ascending' ? -1 : 1
    for (const other of head.parentElement.children) other.ariaSort = null
    head.ariaSort = sign === 1 ? 'ascending' : 'descending'
    const body = head.closest('table').tBodies[0]
    const value = (row) => row.cells[head.cellIndex].dataset.value
    const words = head.classList.contains('words')
    const order = (a, b) => (words ? value(a).localeCompare(value(b)) : value(a) - value(b))
    body.append(...[...body.rows].sort((a, b) => sign * order(a, b)))
  })
}

const about = document.getElementById('about')
document.addEventListener('pointerover', (event) => {
  const mark = event.target.closest('figure svg [aria-roledescription="point"], figure svg [aria-roledescription="square"]')
  about.hidden = !mark
  if (!mark) return
  about.textContent = mark.getAttribute('aria-label')
  const at = mark.getBoundingClientRect()
  const { width, height } = about.getBoundingClientRect()
  about.style.left = Math.max(8, Math.min(at.left + at.width / 2 - width / 2, root.clientWidth - width - 8)) + 'px'
  about.style.top = (at.top > height + 16 ? at.top - height - 8 : at.bottom + 8) + 'px'
})
document.addEventListener('scroll', () => { about.hidden = true }, { capture: true, passive: true })
`
