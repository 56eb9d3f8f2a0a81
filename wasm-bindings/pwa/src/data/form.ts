// A form over a record, or over nothing yet: what was typed is kept as a draft, and only what differs is written.
import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import { useDraft } from './drafts'

export interface Form<T> {
  /** Null until the record was read. */
  form: Ref<T | null>
  /** The fields that differ from the record. */
  changes: Ref<Partial<T>>
  isChanged: Ref<boolean>
  isRecovered: boolean
  /** What the changed fields said before. */
  before(): Partial<T>
  drop(): void
}

/** Without what makes it reactive, which no worker takes. */
export const plain = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T))

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** `from` gives the fields as they are; the first that it gives is what later changes are told from. */
export function useForm<T extends object>(name: string, from: () => T | null): Form<T> {
  const draft = useDraft<Partial<T>>(name, {})
  const isRecovered = draft.isRecovered && Object.keys(draft.value.value).length > 0
  const base = shallowRef<T | null>(null)
  const form = ref(null) as Ref<T | null>
  const changes = computed(() => {
    const [now, then] = [form.value, base.value]
    if (!now || !then) return {}
    const keys = (Object.keys(now) as (keyof T)[]).filter((key) => !same(now[key], then[key]))
    return plain(Object.fromEntries(keys.map((key) => [key, now[key]]))) as Partial<T>
  })
  watch(
    from,
    (fields) => {
      if (!fields || base.value) return
      base.value = fields
      form.value = { ...structuredClone(fields), ...draft.value.value }
    },
    { immediate: true },
  )
  watch(changes, (now) => form.value && (draft.value.value = now))
  return {
    form,
    changes,
    isChanged: computed(() => Object.keys(changes.value).length > 0),
    isRecovered,
    before: () => Object.fromEntries((Object.keys(changes.value) as (keyof T)[]).map((key) => [key, base.value?.[key]])) as Partial<T>,
    drop: draft.drop,
  }
}

/** Text as fields hold it: nothing where nothing was typed. */
export const orNothing = (text: string | null | undefined): string | null => text?.trim() || null

/** A set as rows have it. */
export function keys(json: string | string[] | null | undefined): string[] {
  if (Array.isArray(json)) return json
  try {
    return JSON.parse(json ?? '[]') as string[]
  } catch {
    return []
  }
}
