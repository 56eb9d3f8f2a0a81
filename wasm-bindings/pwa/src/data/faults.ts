// The last things that went wrong, for whoever is asked for help. They hold no record's contents.
import type { Replica } from '@kitchen-pantry/sync'

const KEPT = 50
interface Fault { at: string; what: string; because?: string }
const kept: Fault[] = []

function note(fault: Omit<Fault, 'at'>): void {
  kept.push({ at: new Date().toISOString(), ...fault })
  if (kept.length > KEPT) kept.shift()
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** A notice by its name and reason; what it names of records is left out. */
function named(notice: unknown): Omit<Fault, 'at'> {
  if (!isObject(notice)) return { what: String(notice) }
  const [[word = '', of] = []] = Object.entries(notice)
  const what = typeof notice.type === 'string' ? notice.type : word
  const because = notice.because ?? (isObject(of) ? (of.because ?? of.reason ?? of.fault) : undefined)
  return { what, ...(typeof because === 'string' && { because }) }
}

/** Listens to a replica, and to the page's own failures. */
export function watchFaults(replica: Replica): void {
  replica.onNotice((notice) => note(named(notice)))
  addEventListener('error', ({ message }) => note({ what: 'page', because: message }))
  addEventListener('unhandledrejection', ({ reason }) => note({ what: 'page', because: reason instanceof Error ? reason.message : String(reason) }))
}

export const faults = (): Fault[] => [...kept]
