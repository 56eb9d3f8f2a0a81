// Messages with many rows, on their way to a page.
import type { ToPage } from './messages.js'
import { ROWS_AT_ONCE } from './rows.js'

const LISTS = ['removed', 'changed', 'added'] as const
/** The name by which parts of a list of a difference find it. */
const nameOf = (subscription: number, list: string) => `difference ${subscription} ${list}`

/** The message, after the rows for which it has no room. */
export function inParts(message: ToPage): ToPage[] {
  if ('answer' in message && 'value' in message.answer) {
    const { answer } = message
    const value = answer.value as { rows?: unknown[] } | null
    if (!Array.isArray(value?.rows) || value.rows.length <= ROWS_AT_ONCE) return [message]
    const [parts, rest] = split(answer.id, value.rows)
    return [...parts, { answer: { ...answer, value: { ...value, rows: rest } } }]
  }
  if ('news' in message && 'difference' in message.news) {
    const { news } = message
    const difference = { ...news.difference }
    const parts = LISTS.flatMap((list) => {
      const [parts, rest] = split<unknown>(nameOf(news.subscription, list), difference[list])
      difference[list] = rest as never[]
      return parts
    })
    return [...parts, { news: { ...news, difference } }]
  }
  return [message]
}

function split<T>(of: string, rows: T[]): [ToPage[], T[]] {
  const parts: ToPage[] = []
  let at = 0
  for (; rows.length - at > ROWS_AT_ONCE; at += ROWS_AT_ONCE) parts.push({ part: { of, rows: rows.slice(at, at + ROWS_AT_ONCE) } })
  return [parts, rows.slice(at)]
}

/** Puts messages together again. */
export class Parts {
  readonly #parts = new Map<string, unknown[][]>()

  /** The whole message; null for what is a part. */
  take(message: ToPage): ToPage | null {
    if ('part' in message) {
      const { of, rows } = message.part
      this.#parts.set(of, [...(this.#parts.get(of) ?? []), rows])
      return null
    }
    if ('answer' in message && 'value' in message.answer && this.#parts.has(message.answer.id)) {
      const value = message.answer.value as { rows: unknown[] }
      return { answer: { ...message.answer, value: { ...value, rows: this.#whole(message.answer.id, value.rows) } } }
    }
    if ('news' in message && 'difference' in message.news) {
      const { news } = message
      const difference = { ...news.difference }
      for (const list of LISTS) {
        const name = nameOf(news.subscription, list)
        if (this.#parts.has(name)) difference[list] = this.#whole(name, difference[list]) as never[]
      }
      return { news: { ...news, difference } }
    }
    return message
  }

  #whole(of: string, last: unknown[]): unknown[] {
    const all = [...(this.#parts.get(of) ?? []), last].flat(1)
    this.#parts.delete(of)
    return all
  }
}
