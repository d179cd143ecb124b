/** One column of a table: its heading, which side it hugs, and what it says of a row. */
export interface Column<Row> {
  title: string
  align?: 'left' | 'right'
  cell(row: Row): string
}

/** Rows under headings and a rule, columns as wide as they need; ends with a newline. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)))
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...cells.map((row) => row[i].length)))
  const line = (texts: string[]): string =>
    texts
      .map((text, i) => (columns[i].align === 'left' ? text.padEnd(widths[i]) : text.padStart(widths[i])))
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  return [line(columns.map(({ title }) => title)), rule, ...cells.map(line)].map((text) => `${text}\n`).join('')
}

/** The same as comma-separated values, quoted where they must be. */
export function csv<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const quote = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => columns.map((column) => column.cell(row)))]
  return lines.map((line) => `${line.map(quote).join(',')}\n`).join('')
}
