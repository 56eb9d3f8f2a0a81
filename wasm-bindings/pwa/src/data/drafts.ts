// What was typed and not yet saved, kept at each keystroke, so that a call or a flat battery costs nothing.
import { ref, watch, type Ref } from 'vue'
import * as notes from './notes'

const VERSION = 1
const key = (name: string) => `draft:${VERSION}:${name}`

export interface Draft<T> {
  value: Ref<T>
  /** Whether it was found from an earlier time. */
  isRecovered: boolean
  drop(): void
}

export function useDraft<T extends object>(name: string, empty: T): Draft<T> {
  const found = notes.read<Partial<T>>(key(name))
  const value = ref({ ...empty, ...found }) as Ref<T>
  let isDropped = false
  watch(value, (now) => isDropped || notes.write(key(name), now), { deep: true })
  return {
    value,
    isRecovered: found !== null,
    drop() {
      isDropped = true
      notes.remove(key(name))
    },
  }
}
