// What the columns of each log say: "Logs" in docs/FIELDS.md.
import { isDay, isId, isText, parsed } from './values.mjs'

const STAGES = ['prospecting', 'qualification', 'proposal', 'negotiation', 'closed-lost', 'closed-won']
const STATUSES = ['scheduled', 'cancelled', 'no_show', 'completed']
const ROLES = ['sales_rep', 'manager', 'admin']

const partFits = {
  word: (part, value) => part.words.includes(value),
  text: (part, value) => isText(value, part.max),
  day: (_, value) => isDay(value),
  id: (_, value) => isId(value),
}

/** An event as it stands in the document; null when it is none. */
export function readEvent(field, id, text) {
  const event = parsed(text)
  if (event === null || !isId(id) || !Number.isInteger(event.at) || !isId(event.by)) return null
  const { at, by, supersedes = [], ...data } = event
  for (const part of field.parts) {
    const value = data[part.name] ?? null
    if (value === null ? part.required : !partFits[part.type](part, value)) return null
  }
  const known = new Set(field.parts.map((part) => part.name))
  const isOdd = ([name, value]) => !known.has(name) && value !== null && typeof value === 'object'
  if (!Array.isArray(supersedes) || Object.entries(data).some(isOdd)) return null
  return { id, at, by, supersedes, ...data }
}

/** Those that no other supersedes; if each is superseded, all of them. */
function frontier(events) {
  const superseded = new Set(events.flatMap((event) => event.supersedes))
  const standing = events.filter((event) => !superseded.has(event.id))
  return standing.length > 0 ? standing : events
}

/** The first by these keys; keys are numbers or text, and the lowest comes first. */
function first(events, keysOf) {
  const compare = (a, b) => {
    const [of, other] = [keysOf(a), keysOf(b)]
    const at = of.findIndex((key, n) => key !== other[n])
    return at < 0 ? 0 : of[at] < other[at] ? -1 : 1
  }
  return [...events].sort(compare)[0]
}

const greatestId = (events) => [...events].sort((a, b) => (a.id < b.id ? 1 : -1))[0]
const moment = (event) => (event ? new Date(event.at).toISOString() : null)
const isTerminal = (stage) => stage.startsWith('closed-')

function stageKeys(event) {
  const terminal = isTerminal(event.stage)
  const settles = terminal ? [event.evidence ? 1 : 0, ROLES.indexOf(event.role)] : [0, 0]
  return [terminal ? -1 : 0, ...settles.map((key) => -key), -Math.max(0, STAGES.indexOf(event.stage)), event.id]
}

const comesTo = {
  life(events) {
    const shown = first(frontier(events), (event) => [event.action === 'delete' ? 1 : 0, event.at, event.id])
    const deleted = shown?.action === 'delete'
    return { is_deleted: deleted, deleted_at: deleted ? moment(shown) : null }
  },
  assignment(events, { created_by }) {
    const shown = greatestId(frontier(events))
    const part = (name) => shown?.[name] ?? null
    return {
      assigned_user_id: shown ? part('assigned_user_id') : created_by,
      secondary_user_id: part('secondary_user_id'),
      territory_id: part('territory_id'),
    }
  },
  owner(events, { created_by }) {
    return { user_id: greatestId(frontier(events))?.user_id ?? created_by }
  },
  employer(events) {
    return { organization_id: greatestId(frontier(events))?.organization_id ?? null }
  },
  stage(events) {
    const standing = frontier(events)
    const shown = first(standing, stageKeys)
    const stage = shown?.stage ?? STAGES[0]
    const terminal = new Set(standing.map((event) => event.stage).filter(isTerminal))
    return {
      stage: STAGES.includes(stage) ? stage : null,
      stage_entered_at: moment(shown),
      stage_disputed: terminal.size > 1,
      close_reason: shown?.reason ?? null,
      actual_close_date: isTerminal(stage) ? (shown.close_date ?? moment(shown).slice(0, 10)) : null,
    }
  },
  status(events, { occurred_at }) {
    const shown = first(frontier(events), (event) => [-STATUSES.indexOf(event.status), event.id])
    const status = shown?.status ?? (occurred_at === null ? 'scheduled' : 'completed')
    return { status: STATUSES.includes(status) ? status : null, status_at: moment(shown) }
  },
  completion(events) {
    const reopened = new Set()
    const open = events.filter((one) => one.action === 'reopen').flatMap((one) => one.supersedes)
    while (open.length > 0) {
      const id = open.pop()
      if (reopened.has(id)) continue
      reopened.add(id)
      open.push(...(events.find((one) => one.id === id)?.supersedes ?? []))
    }
    const standing = events.filter((one) => one.action === 'complete' && !reopened.has(one.id))
    const shown = first(standing, (event) => [event.at, event.id])
    return { is_completed: shown !== undefined, completed_at: moment(shown), completed_by: shown?.by ?? null }
  },
}

/** The columns of a log by name; before its first event some go by the record's registers. */
export const columnsOf = (field, events, registers) => comesTo[field.log](events, registers)
