// How much room there is for records, and whether anything may be lost.
import { replica } from '../../data/session'

/** Above this share of what the browser allows, somebody should make room. */
const FULL = 0.9
export type Risk = 'memory' | 'full' | 'notKept'

export interface Room {
  used: number | null
  all: number | null
  isKept: boolean
  risk: Risk | null
}

export async function room(): Promise<Room> {
  const { mode, persisted, usage, quota, evictionRisk } = await replica().storage()
  const isFull = usage !== null && quota !== null && usage > FULL * quota
  return { used: usage, all: quota, isKept: persisted === true, risk: mode === 'memory' ? 'memory' : isFull ? 'full' : evictionRisk ? 'notKept' : null }
}
