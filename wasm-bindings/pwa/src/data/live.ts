// Rows that a screen shows, and that change while it does: a query of the package, as the screens ask it.
import { useQuery } from '@kitchen-pantry/sync/vue'
import { computed, type Ref } from 'vue'
import { replica } from './session'

export interface Live<Row> {
  rows: Readonly<Ref<Row[]>>
  /** Whether they were read at least once. */
  ready: Readonly<Ref<boolean>>
  error: Readonly<Ref<string | null>>
}

export interface Query {
  sql: string
  params?: unknown[]
}

/** The rows of a query, now and whenever they change; asked anew when the query itself changes, and not asked while there is none. */
export function useRows<Row = Record<string, unknown>>(query: () => Query | null): Live<Row> {
  const asked = computed(query)
  const { data, error } = useQuery<Row>(() => asked.value?.sql ?? null, () => asked.value?.params ?? [], replica())
  return {
    rows: computed(() => data.value ?? []),
    ready: computed(() => data.value !== undefined),
    error: computed(() => error.value?.message ?? null),
  }
}
