// What a search as one types finds of one kind.
import { ref, watch, type Ref } from 'vue'
import { replica } from './session'

const MOST = 200

/** The ids that the words find; null while nothing is searched for. */
export function useFound(text: Ref<string>, kind: string): Ref<string[] | null> {
  const found = ref<string[] | null>(null)
  watch(text, async (now) => {
    const words = now.trim()
    if (!words) return void (found.value = null)
    const hits = await replica().search(words, MOST)
    if (text.value === now) found.value = hits.filter((hit) => hit.kind === kind).map((hit) => hit.id)
  })
  return found
}
