// Rows that are probably there already: on this device, or further up in the file.
import { replica } from '../../data/session'
import { digits, type Planned } from './plan'

export interface Alike {
  line: number
  name: string
  /** The account that it is like; null for a row further up. */
  id: string | null
  other: string
  by: 'phone' | 'name'
}
interface Known {
  id: string | null
  name: string
}

/** A name as names are compared: without case, kinds of apostrophes and dashes, and more than one blank. */
const key = (name: string) => name.toLowerCase().replace(/[’‘`´ʼ]/g, "'").replace(/[–—‑]/g, '-').replace(/\s+/g, ' ').trim()
const keyIn = (name: string, city: string) => `${key(name)}|${key(city)}`

export async function alike(accounts: Planned[]): Promise<Map<number, Alike>> {
  const { rows } = await replica().query(
    'SELECT id, name, phones, billing_address_city, shipping_address_city FROM organizations WHERE is_deleted IS NOT TRUE AND merged_into IS NULL',
  )
  const byPhone = new Map<string, Known>()
  const byName = new Map<string, Known>()
  for (const [id, name, phones, ...cities] of rows as [string, string | null, string | null, ...(string | null)[]][]) {
    const known = { id, name: name ?? '' }
    for (const phone of list(phones)) byPhone.set(digits(phone), known)
    for (const city of cities) byName.set(keyIn(known.name, city ?? ''), known)
  }
  const found = new Map<number, Alike>()
  for (const { line, name, phones, city } of accounts) {
    const samePhone = phones.map((phone) => byPhone.get(phone)).find(Boolean)
    const same = samePhone ?? byName.get(keyIn(name, city))
    if (same) found.set(line, { line, name, id: same.id, other: same.name, by: samePhone ? 'phone' : 'name' })
    const known = { id: null, name }
    for (const phone of phones) if (!byPhone.has(phone)) byPhone.set(phone, known)
    if (!byName.has(keyIn(name, city))) byName.set(keyIn(name, city), known)
  }
  return found
}

function list(json: string | null): string[] {
  try {
    return JSON.parse(json ?? '[]') as string[]
  } catch {
    return []
  }
}
