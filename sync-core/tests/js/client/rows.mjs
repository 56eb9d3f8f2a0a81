// Documents to rows, by the merge rules of docs/FIELDS.md.
import * as Automerge from '@automerge/automerge'
import { str } from './documents.mjs'
import { isContainer } from './fields.mjs'
import { columnsOf, readEvent } from './logs.mjs'
import { read } from './values.mjs'

const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** All values of a key at the root: the operation with the lowest counter first, then the lowest actor. */
function candidates(doc, key) {
  if (!(key in doc)) return []
  const conflicts = Automerge.getConflicts(doc, key)
  if (conflicts === undefined) return [doc[key]]
  const age = (name) => [Number(name.split('@')[0]), name.split('@')[1]]
  const older = ([a], [b]) => age(a)[0] - age(b)[0] || (age(a)[1] < age(b)[1] ? -1 : 1)
  // Among conflicts the package gives a text that is one value as a plain string, too.
  const scalar = (value) => (typeof value === 'string' ? str(value) : value)
  return Object.entries(conflicts).sort(older).map(([, value]) => scalar(value))
}

/** The first with the lowest key. */
const lowest = (values, compare) => values.reduce((best, one) => (compare(one, best) < 0 ? one : best))
const last = (values) => values[values.length - 1]
const compare = (a, b) => (a === b ? 0 : a < b ? -1 : 1)
const prefer = (wanted) => (_, values) => (values.includes(wanted) ? wanted : last(values))

const shownBy = {
  Register: (_, values) => last(values),
  Whole: (_, values) => last(values),
  Immutable: (_, values) => values[0],
  Once: (_, values) => values[0],
  RegisterTrueWins: prefer(true),
  RegisterFalseWins: prefer(false),
  RegisterHigherWins(field, values) {
    const rank = (word) => (word === null ? field.words.length : field.words.indexOf(word))
    return lowest(values, (a, b) => rank(a) - rank(b))
  },
  RegisterEarliestWins(_, values) {
    return lowest(values, (a, b) => compare(a ?? '~', b ?? '~'))
  },
  WholeLowerShown(_, values) {
    const amount = (value) => (value === null ? [2, 0, ''] : [0, value.minor ?? Infinity, value.currency ?? ''])
    const order = (a, b) => compare(a[0], b[0]) || compare(a[1], b[1]) || byBytes(a[2], b[2])
    return lowest(values, (a, b) => order(amount(a), amount(b)))
  },
}

/** What a document says: fields by name, its conflicts and violations, and its row by column. */
export function meaningOf(kind, doc) {
  const said = { fields: {}, conflicts: [], violations: [], row: {} }
  for (const field of kind.fields.filter((field) => !isContainer(field))) readRegister(field, doc, said)
  for (const field of kind.fields.filter(isContainer)) readContainer(field, doc[field.name], said)
  said.row = rowOf(kind, doc, said)
  return said
}

function readRegister(field, doc, said) {
  const all = candidates(doc, field.name).map((raw) => read(field, raw))
  const odd = all.filter((one) => one.problem)
  said.violations.push(...odd.map((one) => ({ field: field.name, problem: one.problem })))
  const values = all.filter((one) => !one.problem).map((one) => one.value)
  const shown = values.length > 0 ? shownBy[field.rule](field, values) : null
  const distinct = [...new Set([shown, ...values].map((value) => JSON.stringify(value)))]
  if (values.length > 0 && distinct.length > 1) {
    said.conflicts.push({ field: field.name, values: distinct.map((text) => JSON.parse(text)) })
  }
  if (shown === null && field.required && odd.length === 0) {
    said.violations.push({ field: field.name, problem: 'is required and missing' })
  }
  // A value that does not fit is not what nobody said.
  said.fields[field.name] = shown ?? (odd.length === 0 ? field.default : null) ?? null
}

function readContainer(field, held, said) {
  const entries = Object.entries(held ?? {}).sort(([a], [b]) => byBytes(a, b))
  if (field.type === 'long_text') {
    said.fields[field.name] = String(held ?? '')
  } else if (field.type === 'set') {
    said.fields[field.name] = entries.map(([key]) => key)
  } else if (field.type === 'map') {
    const texts = entries.filter(([, value]) => Automerge.isImmutableString(value))
    said.fields[field.name] = Object.fromEntries(texts.map(([key, value]) => [key, String(value)]))
    for (const [key, shown] of texts) {
      const all = candidates(held, key).filter(Automerge.isImmutableString).map(String)
      const distinct = [...new Set([String(shown), ...all])]
      if (distinct.length > 1) said.conflicts.push({ field: `${field.name}.${key}`, values: distinct })
    }
  } else {
    const events = entries.map(([id, text]) => readEvent(field, id, String(text)))
    const odd = events.filter((event) => event === null)
    said.violations.push(...odd.map(() => ({ field: field.name, problem: 'no event' })))
    const columns = columnsOf(field, events.filter((event) => event !== null), said.fields)
    // The word of a newer app shows as nothing.
    if (columns[field.log] === null && ['stage', 'status'].includes(field.log)) {
      said.violations.push({ field: field.name, problem: 'unknown word' })
    }
    said.fields[field.name] = columns
  }
}

function rowOf(kind, doc, said) {
  const row = { id: doc.id === undefined ? null : String(doc.id) }
  for (const field of kind.fields) {
    const value = said.fields[field.name]
    if (field.type === 'log') Object.assign(row, value)
    else if (field.type === 'parts') {
      for (const part of field.parts) row[`${field.name}_${part.name}`] = value?.[part.name] ?? null
    } else if (field.type === 'map') row[field.name] = JSON.stringify(value)
    else row[field.name] = field.type === 'long_text' && value === '' ? null : value
  }
  Object.assign(row, derivedOf[kind.name]?.(row), stampOf(doc))
  row.conflict_count = said.conflicts.length
  row.violation_count = said.violations.length
  return row
}

const PROBABILITIES = { prospecting: 10, qualification: 25, proposal: 50, negotiation: 75, 'closed-won': 100 }

const derivedOf = {
  contact(row) {
    return { full_name: [row.first_name, row.last_name].filter((name) => name !== null).join(' ') || null }
  },
  opportunity(row) {
    const isOpen = row.stage !== null && !row.stage.startsWith('closed-')
    const own = isOpen ? row.probability_override : null
    const probability = row.stage === null ? null : (own ?? PROBABILITIES[row.stage] ?? 0)
    const minor = row.estimated_value_minor
    const known = minor !== null && probability !== null
    const weighted = known ? Number((BigInt(minor) * BigInt(probability)) / 100n) : null
    return { probability, weighted_value_minor: weighted }
  },
}

/** When and by whom a document was changed last, as the changes claim. */
function stampOf(doc) {
  const all = Automerge.getChangesMetaSince(doc, [])
  const newest = all.reduce((best, one) => (compare(one.time, best.time) || compare(one.hash, best.hash)) > 0 ? one : best)
  const author = newest.author?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { updated_at: new Date(newest.time * 1000).toISOString(), updated_by: author ?? null }
}

/** A row as an array of cells, as the feed has it. */
export const cellsOf = (kind, row) => kind.columns.map((column) => row[column])
