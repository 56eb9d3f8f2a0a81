// Whether what a document holds is a value of its field: null when it is, or what is wrong with it.
import * as Automerge from '@automerge/automerge'
import { currencies } from './fields.mjs'

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** A scalar as plain data, as rows and JSON have it; undefined when it is of a type of no field. */
function plain(raw) {
  if (Automerge.isImmutableString(raw)) return String(raw)
  if (raw instanceof Date) return raw.toISOString()
  if (typeof raw === 'bigint') return Number(raw)
  return ['number', 'boolean'].includes(typeof raw) || raw === null ? raw : undefined
}

const fits = {
  text: (field, value) => isText(value, field.max),
  choice: (field, value) => field.words.includes(value),
  int: (field, value) => Number.isInteger(value) && value >= field.min && value <= field.max,
  bool: (_, value) => typeof value === 'boolean',
  day: (_, value) => isDay(value),
  moment: (_, value) => typeof value === 'string',
  id: (_, value) => isId(value),
}

/** Reads one value of a register: `{ value }`, or `{ problem }`. */
export function read(field, raw) {
  const value = plain(raw)
  if (value === null) return { value }
  const isMoment = raw instanceof Date
  if (value === undefined || isMoment !== (field.type === 'moment')) return { problem: 'wrong type' }
  if (field.type === 'parts') return readParts(field.parts, value)
  return fits[field.type](field, value) ? { value } : { problem: 'does not fit' }
}

const partFits = {
  text: (part, value) => isText(value, part.max),
  int: (part, value) => Number.isInteger(value) && value >= part.min && value <= part.max,
  currency: (_, value) => currencies.includes(value),
  number: (part, value) => typeof value === 'number' && value >= part.min && value <= part.max,
  day: (_, value) => isDay(value),
  choice: (part, value) => part.words.includes(value),
}

function readParts(parts, text) {
  const object = parsed(text)
  if (object === null) return { problem: 'no object of parts' }
  const given = Object.entries(object).filter(([, value]) => value !== null)
  if (given.length > 32) return { problem: 'too many parts' }
  for (const [name, value] of given) {
    const part = parts.find((one) => one.name === name)
    // One of a newer app is kept if it is small.
    const fit = part ? partFits[part.type](part, value) : isSmall(value)
    if (!fit) return { problem: `part ${name}` }
  }
  return { value: Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** An object written as JSON; null for anything else. */
export function parsed(text) {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

const isSmall = (value) => typeof value !== 'object' && Buffer.byteLength(JSON.stringify(value)) <= 1024

export const isText = (value, max) => typeof value === 'string' && !value.includes('\0') && [...value].length <= max

export function isDay(value) {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value) || value.startsWith('0000')) return false
  const day = new Date(`${value}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value)
}

export const isId = (value) => typeof value === 'string' && ID.test(value)
