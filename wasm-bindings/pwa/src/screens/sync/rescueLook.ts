// What a rescue file would enter, before it does: it is entered in the user's own name, whoever made the file.
import { openReplica, type FieldChange } from '@kitchen-pantry/sync'
import { myId } from '../../data/session'

/** The entries of a file on one record. */
export interface Looked {
  record: string
  kind: string
  entries: number
  /** When the first of them was made, in milliseconds since 1970. */
  madeAt: number
  /** What they do to it, for records that begin in the file. Of others only the engine knows once they are here. */
  fields: FieldChange[] | null
}

interface Line { record: string; kind: string; made_at: number }
const UNSAID = new Set(['id', 'created_at', 'created_by', 'user_id', 'is_deleted', 'deleted_at'])

/** Reads a file into a replica of its own, in memory and without a server: nothing of it is kept or sent. */
export async function lookInto(text: string): Promise<Looked[]> {
  const aside = await openReplica({ name: 'rescue-look', storage: 'memory', user: myId() })
  try {
    const { left } = await aside.importRescue(text)
    const lacking = new Set(left.map(({ record }) => record))
    const found = new Map<string, Looked>()
    for (const line of text.split('\n').filter((one) => one.trim())) {
      const { record, kind, made_at: madeAt } = JSON.parse(line) as Line
      const before = found.get(record) ?? { record, kind, entries: 0, madeAt, fields: null }
      found.set(record, { ...before, entries: before.entries + 1, madeAt: Math.min(before.madeAt, madeAt) })
    }
    for (const one of found.values()) {
      if (lacking.has(one.record)) continue
      const past = await aside.history(one.record)
      one.fields = past.reverse().flatMap(({ fields }) => fields).filter(({ field }) => !UNSAID.has(field))
    }
    return [...found.values()]
  } finally {
    await aside.close()
  }
}
