// Rows that a screen shows, and that change while it does.
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue'
import { replica } from './session'

export interface Live<Row> {
  rows: ShallowRef<Row[]>
  /** Whether they were read at least once. */
  ready: ShallowRef<boolean>
  error: ShallowRef<string | null>
}

export interface Query {
  sql: string
  params?: unknown[]
}

/** The rows of a query, now and whenever they change; asked anew when the query itself changes. */
export function useRows<Row = Record<string, unknown>>(query: () => Query | null): Live<Row> {
  const rows = shallowRef<Row[]>([])
  const ready = shallowRef(false)
  const error = shallowRef<string | null>(null)
  let stop: AbortController | null = null

  const run = async ({ sql, params }: Query, signal: AbortSignal) => {
    try {
      for await (const table of replica().watch(sql, params ?? [], signal)) {
        if (signal.aborted) return
        rows.value = table.rows.map((row) => Object.fromEntries(table.columns.map((name, n) => [name, row[n]])) as Row)
        ready.value = true
        error.value = null
      }
    } catch (failed) {
      if (!signal.aborted) error.value = failed instanceof Error ? failed.message : String(failed)
    }
  }
  watch(
    query,
    (now, before) => {
      if (before && JSON.stringify(now) === JSON.stringify(before)) return
      stop?.abort()
      if (!now) {
        rows.value = []
        return
      }
      stop = new AbortController()
      void run(now, stop.signal)
    },
    { immediate: true },
  )
  onScopeDispose(() => stop?.abort())
  return { rows, ready, error }
}
