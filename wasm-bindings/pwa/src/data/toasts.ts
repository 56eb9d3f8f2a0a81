// What the user just did, said for ten seconds with a way back.
import { shallowRef } from 'vue'

export interface Toast {
  id: number
  text: string
  undo?: () => Promise<void> | void
  isProblem: boolean
}

export const toasts = shallowRef<Toast[]>([])
let last = 0

function show(toast: Omit<Toast, 'id'>): void {
  last += 1
  // One at a time: more would cover what is tapped next. What it took back is in the record's history.
  toasts.value = [{ id: last, ...toast }]
}

export const said = (text: string, undo?: Toast['undo']): void => show({ text, isProblem: false, ...(undo && { undo }) })
export const problem = (error: unknown): void => show({ text: error instanceof Error ? error.message : String(error), isProblem: true })
export const dismiss = (id: number): void => void (toasts.value = toasts.value.filter((one) => one.id !== id))
