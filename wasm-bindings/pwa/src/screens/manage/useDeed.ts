// One deed of a manager's: shown first, done as it was shown, and asked for again when no answer came.
import type { Act, Done, Management, Preview } from '@kitchen-pantry/sync/manage'
import { ref, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { isStale, isUnreachable, office } from '../../data/office'

export interface Deed {
  look: (desk: Management) => Promise<Preview>
  act: (desk: Management, act: Act) => Promise<Done>
}

export function useDeed() {
  const { t } = useI18n()
  const preview = shallowRef<Preview | null>(null)
  const trouble = ref<string | null>(null)
  const isBusy = ref(false)
  let request = ''
  let turn = 0

  const words = (error: unknown) => (isUnreachable(error) ? t('manage.noNetwork') : error instanceof Error ? error.message : String(error))

  /** Asks what would come of it. */
  async function look(deed: Deed): Promise<void> {
    const mine = (turn += 1)
    preview.value = null
    trouble.value = null
    isBusy.value = true
    try {
      const shown = await deed.look(await office())
      if (mine !== turn) return
      // What is done under this id is not done again, however often an answer is lost.
      request = crypto.randomUUID()
      preview.value = shown
    } catch (error) {
      if (mine === turn) trouble.value = words(error)
    } finally {
      if (mine === turn) isBusy.value = false
    }
  }

  /** Does it; whether it is done. */
  async function act(deed: Deed): Promise<boolean> {
    if (!preview.value || isBusy.value) return false
    isBusy.value = true
    trouble.value = null
    try {
      await deed.act(await office(), { request, preview: preview.value })
      return true
    } catch (error) {
      if (isStale(error)) {
        await look(deed)
        trouble.value ??= t('manage.stale')
      } else {
        trouble.value = words(error)
      }
      return false
    } finally {
      isBusy.value = false
    }
  }

  return { preview, trouble, isBusy, look, act }
}
