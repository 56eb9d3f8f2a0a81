// How much room there is for records, and whether the browser promised to keep them.
import { status } from '../../data/session'

export interface Room {
  used: number
  all: number
  isKept: boolean
  /** Whether everything is gone with the window. */
  isMemory: boolean
}

export async function room(): Promise<Room> {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.().catch(() => null)) ?? {}
  const isKept = (await navigator.storage?.persisted?.().catch(() => false)) ?? false
  return { used: usage, all: quota, isKept, isMemory: (status.value as { storage?: string } | null)?.storage === 'memory' }
}

/** Asks the browser to keep what is here; whether it agreed. */
export const keep = async (): Promise<boolean> => (await navigator.storage?.persist?.().catch(() => false)) ?? false
