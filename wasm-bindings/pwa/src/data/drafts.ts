// What was typed and not yet saved, kept at each keystroke, so that a call or a flat battery costs nothing.
import { ref, watch, type Ref } from 'vue'

const VERSION = 1
const key = (name: string) => `kitchen-pantry:draft:${VERSION}:${name}`

export interface Draft<T> {
  value: Ref<T>
  /** Whether it was found from an earlier time. */
  isRecovered: boolean
  drop(): void
}

export function useDraft<T extends object>(name: string, empty: T): Draft<T> {
  let found: Partial<T> | null = null
  try {
    found = JSON.parse(localStorage.getItem(key(name)) ?? 'null') as Partial<T> | null
  } catch {
    found = null
  }
  const value = ref({ ...empty, ...found }) as Ref<T>
  let isDropped = false
  watch(value, (now) => isDropped || localStorage.setItem(key(name), JSON.stringify(now)), { deep: true })
  return {
    value,
    isRecovered: found !== null,
    drop() {
      isDropped = true
      localStorage.removeItem(key(name))
    },
  }
}
