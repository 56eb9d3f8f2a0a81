// Queries whose rows are told whenever they change.
import type { Rows } from './answers.js'
import type { Line } from './line.js'
import type { Difference } from './messages.js'
import { apply } from './rows.js'

/** A query that is watched: `end` says that another tab answers from now on, and knows nothing of it. */
interface Watcher { take(difference: Difference): void; end(): void }

export class Watches {
  readonly #watchers = new Map<number, Watcher>()
  /** What came before the answer that names its subscription. */
  #early: { subscription: number; difference: Difference }[] = []

  constructor(readonly line: () => Line) {}

  /** The rows now, and again whenever they change, until the signal aborts. */
  async *watch(query: object, signal?: AbortSignal): AsyncGenerator<Rows> {
    let wake: () => void = () => {}
    const stop = () => wake()
    signal?.addEventListener('abort', stop)
    try {
      while (!signal?.aborted) {
        const begun = (await this.line().ask('subscribe', query)) as Rows & { subscription: number }
        let rows = begun.rows
        let fresh = true
        let ended = false
        this.#begin(begun.subscription, {
          take: (difference) => { rows = apply(difference, rows); fresh = true; wake() },
          end: () => { ended = true; wake() },
        })
        try {
          while (!ended && !signal?.aborted) {
            if (fresh) {
              fresh = false
              yield { columns: begun.columns, rows }
            } else await new Promise<void>((resolve) => { wake = resolve })
          }
        } finally {
          this.#watchers.delete(begun.subscription)
          if (!ended && !this.line().isClosed) void this.line().ask('unsubscribe', { subscription: begun.subscription }).catch(() => {})
        }
      }
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  take(news: { subscription: number; difference: Difference }): void {
    const watcher = this.#watchers.get(news.subscription)
    watcher ? watcher.take(news.difference) : this.#early.push(news)
  }

  /** Nobody answers what was watched: each is asked for anew. */
  end(): void {
    const watchers = [...this.#watchers.values()]
    this.#watchers.clear()
    this.#early = []
    watchers.forEach((watcher) => watcher.end())
  }

  #begin(subscription: number, watcher: Watcher): void {
    this.#watchers.set(subscription, watcher)
    const early = this.#early.filter((one) => one.subscription === subscription)
    this.#early = this.#early.filter((one) => !early.includes(one))
    early.forEach((one) => watcher.take(one.difference))
  }
}
