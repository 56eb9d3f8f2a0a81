// Whether the office would refuse what is about to be saved: asked while there is signal, never waited for.
import type { Edit } from '@kitchen-pantry/sync'
import { onScopeDispose, ref, watch, type Ref } from 'vue'
import { replica, status } from './session'

const PAUSE_MS = 700
type Opinion = { refused?: { refusal?: { sentence?: string } } }

/** Why these edits would be refused, in the office's words; null while nothing speaks against them. */
export function useOpinion(edits: () => Edit[] | null): Ref<string | null> {
  const sentence = ref<string | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = 0
  watch(
    () => JSON.stringify(edits()),
    (asked) => {
      clearTimeout(timer)
      last += 1
      const mine = last
      if (asked === 'null' || status.value?.link !== 'live') return void (sentence.value = null)
      timer = setTimeout(async () => {
        const answer = (await replica().wouldBe(JSON.parse(asked) as Edit[]).catch(() => null)) as Opinion | string | null
        if (mine !== last) return
        sentence.value = (answer && typeof answer === 'object' && answer.refused?.refusal?.sentence) || null
      }, PAUSE_MS)
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))
  return sentence
}
