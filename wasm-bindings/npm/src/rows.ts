// Rows for a page: many of them never at once, so that it goes on answering fingers.
import type { Difference } from './messages.js'

/** So many rows come to a page in one message. */
export const ROWS_AT_ONCE = 1000
/** So long a page may be kept from other work. */
const SLICE_MS = 8
/** How often that is looked at. */
const LOOK_EVERY = 128

/** Lets the page do what else it has to. */
const breathe = () => new Promise<void>((resolve) => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => { port1.close(); resolve() }
  port2.postMessage(null)
})

/** Makes rows objects, each once however often it is shown. */
export class Objects<Row> {
  readonly #made = new WeakMap<unknown[], Row>()

  async of({ columns, rows }: { columns: string[]; rows: unknown[][] }): Promise<Row[]> {
    const all: Row[] = []
    let since = performance.now()
    for (const row of rows) {
      let made = this.#made.get(row)
      if (made === undefined) {
        made = Object.fromEntries(columns.map((column, n) => [column, row[n]])) as Row
        this.#made.set(row, made)
      }
      all.push(made)
      if (all.length % LOOK_EVERY === 0 && performance.now() - since > SLICE_MS) {
        await breathe()
        since = performance.now()
      }
    }
    return all
  }
}

/** Makes the rows of before those of now: what goes and what moves is taken out, and everything else put in its place. */
export function apply({ removed, changed, added }: Difference, rows: unknown[][]): unknown[][] {
  const gone = new Set([...removed, ...changed].map((one) => one.from))
  const fresh = [...changed, ...added].sort((a, b) => a.to - b.to)
  const now: unknown[][] = []
  let next = 0
  const putIn = () => {
    for (let one = fresh[next]; one && one.to === now.length; one = fresh[next]) {
      now.push(one.row)
      next += 1
    }
  }
  rows.forEach((row, place) => {
    if (gone.has(place)) return
    putIn()
    now.push(row)
  })
  putIn()
  return now
}
