// Text as rows of cells.

export const SEPARATORS = [',', ';', '\t'] as const
export type Separator = (typeof SEPARATORS)[number]

/** A row with its number as a spreadsheet counts, the first being 1. */
export interface Row {
  line: number
  cells: string[]
}

/** What Excel is told by the first line, if it is told. */
const SEP_LINE = /^sep=([,;\t])\r?\n?/i

/** Splits a file: cells may be quoted, and then hold separators, line breaks and doubled quotes. Blank rows are left out. */
export function split(text: string, separator: Separator): Row[] {
  const rows: Row[] = []
  const skipped = SEP_LINE.exec(text)?.[0].length ?? 0
  let cells: string[] = []
  let cell = ''
  let isQuoted = false
  let line = 1
  const endCell = () => {
    cells.push(cell.trim())
    cell = ''
  }
  const endRow = () => {
    endCell()
    if (cells.some(Boolean)) rows.push({ line, cells })
    cells = []
    line++
  }
  for (let at = skipped; at < text.length; at++) {
    const letter = text[at]
    const isBreak = letter === '\n' || (letter === '\r' && text[at + 1] !== '\n')
    if (isQuoted) {
      if (letter !== '"') cell += letter
      else if (text[at + 1] === '"') {
        cell += '"'
        at++
      } else isQuoted = false
    } else if (letter === '"' && !cell.trim()) {
      isQuoted = true
      cell = ''
    } else if (letter === separator) endCell()
    else if (isBreak) endRow()
    else if (letter !== '\r') cell += letter
  }
  if (cell || cells.length) endRow()
  return rows
}

/** The separator by which most rows have the same number of cells, and more than one. */
export function guessSeparator(text: string): Separator {
  const told = SEP_LINE.exec(text)?.[1]
  if (told) return told as Separator
  const some = text.slice(0, 50_000)
  const score = (separator: Separator) => {
    const counts = split(some, separator).slice(0, 50).map(({ cells }) => cells.length)
    const most = Math.max(0, ...counts.filter((count) => count > 1))
    return most ? counts.filter((count) => count === most).length * 100 + most : 0
  }
  return [...SEPARATORS].sort((a, b) => score(b) - score(a))[0] ?? ','
}
