// A refused entry as a person wrote it: which fields, and what they said.
import type { Refused } from '@kitchen-pantry/sync'
import { fieldOf, type Field } from '../../records/declared'

/** One part of an entry, as the engine keeps it. */
interface Change {
  field: string
  set?: unknown
  text?: string
  parts?: Record<string, unknown>
  splices?: [number, number, string][]
  add?: string
  remove?: string
  entry?: [string, string | null]
  append?: Record<string, unknown>
}

/** A field of an entry, to be shown. */
export interface Said {
  field: string
  value: unknown
  /** Whether the value was taken away rather than given. */
  isGone: boolean
  /** How it can be corrected; null where it cannot. */
  fixable: Field | null
}

/** What everybody's entry holds and nobody typed. */
const UNSAID = new Set(['id', 'created_at', 'created_by', 'user_id'])

/** What a person may say of a step: where to, and what goes with it. The rest of a step is noted by itself. */
const STEPS: Record<string, readonly string[]> = {
  stage: ['prospecting', 'qualification', 'proposal', 'negotiation', 'closed-won', 'closed-lost'],
  status: ['scheduled', 'completed', 'cancelled', 'no_show'],
}
const WITH_A_STEP = new Set(['reason', 'close_date'])

/** A step of a log, such as a deal's from stage to stage, as a field that can be corrected; null for other logs. */
function stepSaid(field: Field | null, step: Record<string, unknown>): Said | null {
  const name = Object.keys(STEPS).find((one) => one in step)
  if (!name || !field?.parts) return null
  const parts = field.parts
    .filter((part) => part.name === name || WITH_A_STEP.has(part.name))
    .map((part) => (part.name === name ? { ...part, words: [...(STEPS[name] ?? [])] } : part))
  const value = Object.fromEntries(parts.filter((part) => step[part.name] != null).map((part) => [part.name, step[part.name]]))
  return { field: name, value, isGone: false, fixable: { ...field, name, type: 'parts', parts } }
}

function said(kind: string, change: Change): Said {
  const field = fieldOf(kind, change.field) ?? null
  const fixable = field && field.rule !== 'Immutable' && !field.server_only ? field : null
  if ('set' in change) return { field: change.field, value: change.set, isGone: false, fixable: fixable?.type === 'id' ? null : fixable }
  if (change.text !== undefined) return { field: change.field, value: change.text, isGone: false, fixable }
  if (change.entry) return { field: `${change.field}.${change.entry[0]}`, value: change.entry[1], isGone: false, fixable: null }
  if (change.add !== undefined) return { field: change.field, value: [change.add], isGone: false, fixable: null }
  if (change.remove !== undefined) return { field: change.field, value: [change.remove], isGone: true, fixable: null }
  if (change.splices) return { field: change.field, value: change.splices.map(([, , come]) => come).join(' … '), isGone: false, fixable: null }
  const step = change.append && stepSaid(field, change.append)
  if (step) return step
  return { field: change.field, value: change.append ?? change.parts ?? null, isGone: false, fixable: null }
}

/** The fields of a refused entry in the order in which they were written. */
export function saidBy({ kind, edit }: Refused): Said[] {
  const changes = Array.isArray(edit) ? (edit as Change[]) : []
  return changes.filter(({ field, set }) => !UNSAID.has(field) && !(set === null && fieldOf(kind, field)?.rule === 'Immutable')).map((change) => said(kind, change))
}

/** Whether the entry began its record: then it has who and when. */
export const begins = ({ edit }: Refused): boolean => Array.isArray(edit) && (edit as Change[]).some(({ field }) => field === 'created_by')

/** The name that the entry itself gives its record, for records that never came to be. */
export function titleIn(entry: Refused): string | null {
  const words = saidBy(entry).filter(({ field }) => ['name', 'title', 'first_name', 'last_name', 'subject'].includes(field))
  return words.map(({ value }) => String(value)).join(' ') || null
}
