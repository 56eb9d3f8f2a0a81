// An account's fields as its form has them, and as edits do.
import { keys, orNothing } from '../../data/form'

export const ADDRESS = ['street', 'city', 'state', 'postal_code', 'country'] as const
const TEXTS = ['name', 'organization_type', 'priority_level', 'industry_segment', 'business_type', 'cuisine', 'website', 'employee_count', 'primary_contact_id', 'notes'] as const
const SETS = ['phones', 'emails', 'tags'] as const
const ADDRESSES = ['shipping_address', 'billing_address'] as const
export const STATUSES = ['active', 'inactive', 'on_hold', 'lost'] as const
export const TYPES = ['prospect', 'customer', 'distributor', 'principal'] as const
export const LEVELS = ['A', 'B', 'C', 'D'] as const

export type Address = Record<(typeof ADDRESS)[number], string>
export interface Location {
  lat: number
  lng: number
  accuracy_m: number | null
}
export type AccountFields = Record<(typeof TEXTS)[number], string> &
  Record<(typeof SETS)[number], string[]> &
  Record<(typeof ADDRESSES)[number], Address> & { account_status: { value: string; reason: string }; location: Location | null; needs_review: boolean }

const parts = (field: string) => ADDRESS.map((part) => `${field}_${part}`)
export const accountColumns = [...TEXTS, ...SETS, ...ADDRESSES.flatMap(parts), 'account_status_value', 'account_status_reason', 'location_lat', 'location_lng', 'location_accuracy_m', 'needs_review'].join(', ')

type Row = Record<string, string | number | null | undefined>
export function accountFields(row: Row): AccountFields {
  const address = (field: string) => Object.fromEntries(ADDRESS.map((part) => [part, String(row[`${field}_${part}`] ?? '')]))
  const { location_lat: lat, location_lng: lng } = row
  return {
    ...Object.fromEntries([
      ...TEXTS.map((name) => [name, String(row[name] ?? '')]),
      ...SETS.map((name) => [name, keys(row[name] as string | null)]),
      ...ADDRESSES.map((name) => [name, address(name)]),
    ]),
    account_status: { value: String(row.account_status_value ?? ''), reason: String(row.account_status_reason ?? '') },
    location: lat == null || lng == null ? null : { lat: Number(lat), lng: Number(lng), accuracy_m: row.location_accuracy_m == null ? null : Number(row.location_accuracy_m) },
    needs_review: !!row.needs_review,
  } as AccountFields
}

/** Several parts that are written as one: nothing where none of them says anything. */
function whole(of: Record<string, string>): Record<string, string | null> | null {
  const said = Object.entries(of).map(([name, text]) => [name, orNothing(text)] as const)
  return said.some(([, text]) => text !== null) ? Object.fromEntries(said) : null
}

export function accountSet(some: Partial<AccountFields>): Record<string, unknown> {
  const set: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(some)) {
    if (ADDRESSES.includes(name as never) || name === 'account_status') set[name] = whole(value as Record<string, string>)
    else if (name === 'employee_count') set[name] = orNothing(value as string) === null ? null : Number(value)
    else if (name === 'notes') set[name] = value
    else if (TEXTS.includes(name as never)) set[name] = orNothing(value as string)
    else set[name] = value
  }
  return set
}
