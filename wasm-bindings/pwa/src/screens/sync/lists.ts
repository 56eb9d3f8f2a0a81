// What needs somebody: refused entries and contested values, read again whenever their number changes.
import type { Conflict, Refused } from '@kitchen-pantry/sync'
import { shallowRef, watch, type ShallowRef } from 'vue'
import { replica, status } from '../../data/session'
import { problem } from '../../data/toasts'

export interface List<Row> {
  rows: ShallowRef<Row[]>
  ready: ShallowRef<boolean>
  reload(): Promise<void>
}

function useList<Row>(read: () => Promise<Row[]>, changes: () => unknown): List<Row> {
  const rows = shallowRef<Row[]>([])
  const ready = shallowRef(false)
  let round = 0
  async function reload() {
    const mine = ++round
    try {
      const found = await read()
      if (mine === round) rows.value = found
    } catch (error) {
      problem(error)
    } finally {
      ready.value = true
    }
  }
  watch(changes, () => void reload(), { immediate: true })
  return { rows, ready, reload }
}

export const useRefused = (): List<Refused> => useList(() => replica().quarantine(), () => status.value?.refused)
export const useContested = (): List<Conflict> => useList(() => replica().conflicts(), () => [status.value?.conflicts, status.value?.unsent, status.value?.lastSync])
