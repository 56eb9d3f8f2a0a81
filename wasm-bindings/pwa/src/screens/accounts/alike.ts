// Accounts that may be the one that is being typed: by its name, its phone, or where it stands.
import { replica } from '../../data/session'
import { metres, type Place } from '../../format/place'

export interface Alike {
  id: string
  name: string
  city: string | null
  owner: string | null
  phone: string | null
  /** How far from where the user stands; null when either is not known. */
  away_m: number | null
}

const NEAR_M = 150
const MOST = 5
const digits = (text: string) => text.replace(/\D/g, '')
const LAST_DIGITS = 7

/** Those that are alike, the nearest first. */
export async function alike(name: string, phone: string, at: Place | null): Promise<Alike[]> {
  const words = name.trim()
  const hits = words.length < 3 ? [] : await replica().search(words, MOST * 2)
  const ids = hits.filter((hit) => hit.kind === 'organization').map((hit) => hit.id)
  const tail = digits(phone).slice(-LAST_DIGITS)
  const by = ['o.id IN (SELECT value FROM json_each(?))']
  const params: unknown[] = [JSON.stringify(ids)]
  if (tail.length === LAST_DIGITS) {
    by.push("o.phones LIKE '%' || ? || '%'")
    params.push(tail)
  }
  if (at) {
    // A thousandth of a degree is 111 m; the true distance is looked at below.
    by.push('(abs(o.location_lat - ?) < 0.002 AND abs(o.location_lng - ?) < 0.004)')
    params.push(at.lat, at.lng)
  }
  const { rows } = await replica().query(
    `SELECT o.id, o.name, coalesce(o.shipping_address_city, o.billing_address_city), u.full_name, o.phones ->> 0, o.location_lat, o.location_lng
      FROM organizations o LEFT JOIN users u ON u.id = o.assigned_user_id
      WHERE o.is_deleted IS NOT TRUE AND o.merged_into IS NULL AND (${by.join(' OR ')}) LIMIT 50`,
    params,
  )
  const found = (rows as [string, string, string | null, string | null, string | null, number | null, number | null][]).map(([id, called, city, owner, first, lat, lng]) => ({
    id, name: called, city, owner, phone: first, away_m: at && lat != null && lng != null ? metres(at, { lat, lng }) : null,
  }))
  const isPhone = (one: Alike) => tail.length === LAST_DIGITS && !!one.phone && digits(one.phone).endsWith(tail)
  return found
    .filter((one) => ids.includes(one.id) || isPhone(one) || (one.away_m ?? Infinity) <= NEAR_M)
    .sort((a, b) => (a.away_m ?? Infinity) - (b.away_m ?? Infinity) || ids.indexOf(a.id) - ids.indexOf(b.id))
    .slice(0, MOST)
}
