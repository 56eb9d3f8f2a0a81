// Light, dark, or as the device has it.
import { ref } from 'vue'

export const LOOKS = ['device', 'light', 'dark'] as const
export type Look = (typeof LOOKS)[number]
const KEY = 'kitchen-pantry:look'

const isLook = (word: string | null): word is Look => LOOKS.includes(word as Look)
const kept = localStorage.getItem(KEY)
export const look = ref<Look>(isLook(kept) ? kept : 'device')

function apply(): void {
  if (look.value === 'device') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = look.value
}

export function wear(chosen: string): void {
  if (!isLook(chosen)) return
  look.value = chosen
  localStorage.setItem(KEY, chosen)
  apply()
}

apply()
