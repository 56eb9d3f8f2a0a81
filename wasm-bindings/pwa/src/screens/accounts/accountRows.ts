// Accounts as lists show them.
import type { Query } from '../../data/live'

export interface AccountRow {
  id: string
  name: string
  organization_type: string | null
  priority_level: string | null
  city: string | null
  lat: number | null
  lng: number | null
  last_visit_at: string | null
  owner: string | null
  conflict_count: number
}

export type Sieve = 'all' | 'near' | 'a' | 'due' | 'mine'

const LAST_VISIT = `(SELECT max(coalesce(i.occurred_at, i.status_at)) FROM interactions i
  WHERE i.organization_id = o.id AND i.is_deleted IS NOT TRUE AND i.status = 'completed' AND i.interaction_type IN ('VISIT', 'DEMO'))`
const COLUMNS = `o.id, o.name, o.organization_type, o.priority_level, coalesce(o.shipping_address_city, o.billing_address_city) AS city,
  o.location_lat AS lat, o.location_lng AS lng, o.conflict_count, u.full_name AS owner`
const LIVE = 'o.is_deleted IS NOT TRUE AND o.merged_into IS NULL'

export interface Choice {
  sieve: Sieve
  /** Ids that a search found, best first; null without one. */
  found: string[] | null
  near: { lat: number; lng: number } | null
  me: string
  /** Thirty days ago. */
  since: string
  most: number
}

/** The accounts of a list: those that were searched for, else by nearness, by how long ago they were seen, or by name. */
export function accounts({ sieve, found, near, me, since, most }: Choice): Query {
  const where = [LIVE]
  const params: unknown[] = []
  if (found) {
    where.push('o.id IN (SELECT value FROM json_each(?))')
    params.push(JSON.stringify(found))
  }
  if (sieve === 'a' || sieve === 'due') where.push("o.priority_level = 'A' AND o.organization_type IN ('prospect', 'customer')")
  if (sieve === 'mine') {
    where.push('(o.assigned_user_id = ? OR o.secondary_user_id = ?)')
    params.push(me, me)
  }
  let order = 'o.name COLLATE NOCASE, o.id'
  if (sieve === 'due') {
    where.push(`coalesce(${LAST_VISIT}, '') < ?`)
    params.push(since)
    order = `${LAST_VISIT} NULLS FIRST, o.name`
  }
  if (sieve === 'near' && near) {
    where.push('o.location_lat IS NOT NULL')
    // Flat within a city: a degree of longitude is shorter by the cosine of the latitude.
    const shrink = Math.cos((near.lat * Math.PI) / 180) ** 2
    order = `(o.location_lat - ?) * (o.location_lat - ?) + (o.location_lng - ?) * (o.location_lng - ?) * ${shrink}`
    params.push(near.lat, near.lat, near.lng, near.lng)
  }
  return { sql: `SELECT ${COLUMNS}, ${LAST_VISIT} AS last_visit_at FROM organizations o LEFT JOIN users u ON u.id = o.assigned_user_id WHERE ${where.join(' AND ')} ORDER BY ${order} LIMIT ${most}`, params }
}
