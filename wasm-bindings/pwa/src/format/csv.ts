// Tables as files that a spreadsheet opens.

/** What a spreadsheet would run begins with one of these; a quote before it makes it text. */
const RUNS = /^[=+\-@\t\r]/
const BOM = '\uFEFF'

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const text = String(value)
  const safe = RUNS.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export function csv(columns: string[], rows: unknown[][]): string {
  return BOM + [columns, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n'
}
