import { Html, html } from './html.js'

/** A column to sort by: its values, and how they are written. */
export interface SortableColumn<Row> {
  title: string
  value: (row: Row) => number | string
  /** The value itself unless given. */
  text?: (row: Row) => string
}

/** A table that sorts by the column whose title is clicked; every cell has its whole value in `data-value`. */
export function sortableTable<Row>(id: string, rows: readonly Row[], columns: readonly SortableColumn<Row>[]): Html {
  const classes = columns.map(({ value }) =>
    rows.length > 0 && typeof value(rows[0]) === 'string' ? 'words' : 'number',
  )
  const heads = columns.map(
    ({ title }, n) => html`<th class="${classes[n]}" scope="col"><button type="button">${title}</button></th>`,
  )
  const lines = rows.map((row) => {
    const cells = columns.map(({ value, text }, n) => {
      const whole = value(row)
      return html`<td class="${classes[n]}" data-value="${whole}">${text?.(row) ?? whole}</td>`
    })
    return html`<tr>
      ${cells}
    </tr> `
  })
  return html`<div class="scroll" tabindex="0">
    <table id="${id}">
      <thead>
        <tr>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${lines}
      </tbody>
    </table>
  </div> `
}
