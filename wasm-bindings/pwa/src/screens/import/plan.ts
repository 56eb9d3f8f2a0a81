// Rows as accounts to be made, and what of them cannot be taken. Nothing is left out unsaid.
import { fieldOf } from '../../records/declared'
import type { Target } from './headings'
import type { Row } from './table'

/** Why something of a row is not taken. */
export type Why = 'noName' | 'total' | 'unreadable' | 'tooManyCells' | 'tooLong' | 'notPhone' | 'ruined' | 'notEmail' | 'notPriority' | 'notType' | 'notPlace' | 'onlyProspects'
export interface Trouble {
  line: number
  why: Why
  cell: string
  /** Whether the whole row is left out, or the cell only. */
  isWhole: boolean
}

export interface Planned {
  line: number
  name: string
  set: Record<string, unknown>
  /** Their digits, to be compared. */
  phones: string[]
  city: string
}

export interface Plan {
  accounts: Planned[]
  troubles: Trouble[]
}

const TYPES: Record<string, string> = {
  prospect: 'prospect', lead: 'prospect', customer: 'customer', client: 'customer', principal: 'principal', manufacturer: 'principal', supplier: 'principal',
  distributor: 'distributor', cliente: 'customer', prospecto: 'prospect', fabricante: 'principal', distribuidor: 'distributor', kunde: 'customer',
}
const ADDRESS: Target[] = ['street', 'city', 'state', 'postal_code', 'country']
const BETWEEN = /[;,\n]| ::: /
/** Enough digits to call, and nothing that is no part of a number as people write it. */
const PHONE = /^[+(]?[\d\s().\-/]{5,}((x|ext\.?|extension|poste|#)\s*\d+)?$/i
/** Some programs write all numbers into one cell, each after what it is. */
const PHONE_LABEL = /\b\p{L}+\s*:/gu
const TOTAL = /^(grand )?totals?$/i
const RUINED = /^\d+([.,]\d+)?e\+?\d+$/i
const MAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/
const SHOWN = 80

/** A number's digits without the country code of North America, which lists have or have not. */
export const digits = (phone: string): string => phone.replace(/\D/g, '').replace(/^1(?=\d{10}$)/, '')
const several = (cells: string[], between = BETWEEN) => [...new Set(cells.flatMap((cell) => cell.split(between)).map((one) => one.trim()).filter(Boolean))]
const decimal = (cell: string) => (/^-?\d+([.,]\d+)?$/.test(cell) ? Number(cell.replace(',', '.')) : NaN)

export function plan(rows: Row[], headings: string[], targets: Target[], prospectsOnly: boolean): Plan {
  const troubles: Trouble[] = []
  const accounts = rows.map((row) => account(row, headings, targets, prospectsOnly, troubles)).filter((one) => one !== null)
  return { accounts, troubles }
}

function account({ line, cells }: Row, headings: string[], targets: Target[], prospectsOnly: boolean, troubles: Trouble[]): Planned | null {
  const of = (target: Target) => cells.filter((cell, n) => cell && targets[n] === target)
  const first = (target: Target) => of(target)[0] ?? ''
  const trouble = (why: Why, cell: string, isWhole = false): null => {
    troubles.push({ line, why, cell: cell.slice(0, SHOWN), isWhole })
    return null
  }
  const fits = (field: string, cell: string, isWhole = false) => cell.length <= (fieldOf('organization', field)?.max ?? Infinity) || trouble('tooLong', cell, isWhole) !== null

  const name = first('name')
  if (!name) return trouble('noName', cells.filter(Boolean).slice(0, 2).join(', '), true)
  const broken = cells.find((cell) => cell.includes('\uFFFD') || cell.includes('\0'))
  if (broken) return trouble('unreadable', broken, true)
  if (!fits('name', name, true)) return null
  if (TOTAL.test(name)) return trouble('total', name, true)
  const beyond = cells.slice(headings.length).filter(Boolean)
  if (beyond.length) trouble('tooManyCells', beyond.join(', '))

  const set: Record<string, unknown> = { name, organization_type: 'prospect' }
  for (const field of ['website', 'cuisine', 'industry_segment'] as const) {
    const cell = first(field)
    if (cell && fits(field, cell)) set[field] = cell
  }
  const address = Object.fromEntries(ADDRESS.map((part) => [part, part === 'street' ? of(part).join(', ') : first(part)]).filter(([, cell]) => cell))
  if (Object.keys(address).length) set.billing_address = address
  if (of('notes').length) set.notes = of('notes').join('\n')
  if (of('tags').length) set.tags = several(of('tags'))

  const sound = of('phones').filter((cell) => !RUINED.test(cell) || trouble('ruined', cell) !== null)
  const phones = several(sound.map((cell) => cell.replace(PHONE_LABEL, ';'))).filter((one) => PHONE.test(one) || trouble('notPhone', one) !== null)
  if (phones.length) set.phones = phones
  const mails = several(of('emails'), /[;,\s]| ::: /).filter((one) => MAIL.test(one) || trouble('notEmail', one) !== null)
  if (mails.length) set.emails = mails

  const priority = first('priority_level').toUpperCase()
  if (/^[A-D]$/.test(priority)) set.priority_level = priority
  else if (priority) trouble('notPriority', first('priority_level'))
  const type = first('organization_type')
  const known = TYPES[type.toLowerCase()]
  if (type && !known) trouble('notType', type)
  else if (known && known !== 'prospect' && prospectsOnly) trouble('onlyProspects', type)
  else if (known) set.organization_type = known

  const [lat = NaN, lng = NaN] = [first('lat'), first('lng')].map(decimal)
  // Nobody sells to the sea off Ghana: nought and nought is how lists write that they do not know.
  const isNowhere = lat === 0 && lng === 0
  if (Math.abs(lat) <= 90 && Math.abs(lng) <= 180 && !isNowhere) set.location = { lat, lng }
  else if ((first('lat') || first('lng')) && !isNowhere) trouble('notPlace', [first('lat'), first('lng')].join(', '))

  const custom = headings.map((heading, n) => [heading.trim(), cells[n] ?? ''] as const).filter(([heading, cell], n) => targets[n] === 'custom' && heading && cell)
  if (custom.length) set.custom_fields = Object.fromEntries(custom)
  return { line, name, set, phones: phones.map(digits), city: first('city') }
}
