// Accounts that may be the one that is being typed, with what tells them apart.
import { replica } from '../../data/session'
import type { Place } from '../../format/place'

export interface Alike {
  id: string
  name: string
  city: string | null
  owner: string | null
  phone: string | null
  why: string[]
  /** How far from where the user stands; null when either is not known. */
  away_m: number | null
}

const MOST = 5

/** Those that are alike, the likeliest first. */
export async function alike(name: string, phone: string, at: Place | null): Promise<Alike[]> {
  if (name.trim().length < 3 && !phone.trim() && !at) return []
  const found = await replica().duplicates({ name: name.trim(), most: MOST, ...(phone.trim() && { phone }), ...(at && { lat: at.lat, lng: at.lng }) })
  if (!found.length) return []
  const { rows } = await replica().query(
    `SELECT o.id, coalesce(o.shipping_address_city, o.billing_address_city), u.full_name, o.phones ->> 0
      FROM organizations o LEFT JOIN users u ON u.id = o.assigned_user_id WHERE o.id IN (SELECT value FROM json_each(?))`,
    [JSON.stringify(found.map((one) => one.id))],
  )
  const known = new Map((rows as [string, string | null, string | null, string | null][]).map(([id, ...rest]) => [id, rest]))
  return found.map(({ id, title, why, metres }) => {
    const [city = null, owner = null, first = null] = known.get(id) ?? []
    return { id, name: title, city, owner, phone: first, why, away_m: metres }
  })
}
