// The last things that went wrong, for whoever is asked for help. They hold no record's contents.
import type { Notice, Replica } from '@kitchen-pantry/sync'

const KEPT = 50
interface Fault {
  at: string
  what: string
  because?: string
}
const kept: Fault[] = []

function note(what: string, because?: string): void {
  kept.push({ at: new Date().toISOString(), what, ...(because !== undefined && { because }) })
  if (kept.length > KEPT) kept.shift()
}

/** Something of the app's own that went wrong; what it says names no record. */
export const noteFault = note

/** A notice by its name and reason; what it names of records is left out. */
const noteNotice = (notice: Notice): void => note(notice.type, 'because' in notice ? notice.because : undefined)

/** Listens to a replica, and to the page's own failures. */
export function watchFaults(replica: Replica): void {
  replica.onNotice(noteNotice)
  addEventListener('error', ({ message }) => note('page', message))
  addEventListener('unhandledrejection', ({ reason }) => note('page', reason instanceof Error ? reason.message : String(reason)))
}

export const faults = (): Fault[] => [...kept]
