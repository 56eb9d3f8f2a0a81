// What a manager's device knows of their team.
import type { Query } from '../../data/live'

const LIVE = 'o.is_deleted IS NOT TRUE AND o.merged_into IS NULL'

export interface ToReview {
  id: string
  name: string
  who: string | null
  created_at: string
}
/** Accounts that reps began and nobody looked at yet. */
export const toReview = (): Query => ({
  sql: `SELECT o.id, o.name, u.full_name AS who, o.created_at FROM organizations o LEFT JOIN users u ON u.id = o.created_by
    WHERE ${LIVE} AND o.needs_review IS TRUE ORDER BY o.created_at DESC LIMIT 50`,
})

export interface Pair {
  one: string
  one_name: string
  one_where: string
  other: string
  other_name: string
  other_where: string
  by: 'phone' | 'name'
}
/** Accounts that may be one: the same phone, or the same name in the same city. */
export const pairs = (): Query => ({
  sql: `WITH live AS MATERIALIZED (
      SELECT o.id, o.name, lower(o.name) AS k, coalesce(o.billing_address_city, o.shipping_address_city, '') AS city, o.phones,
        lower(coalesce(o.billing_address_city, o.shipping_address_city, '')) AS c, coalesce(o.billing_address_street, o.shipping_address_street, '') AS street
      FROM organizations o WHERE ${LIVE}),
    numbers AS MATERIALIZED (SELECT l.id, e.value AS phone FROM live l, json_each(l.phones) e),
    pairs AS (
      SELECT a.id AS one, b.id AS other, 'phone' AS by FROM numbers a JOIN numbers b ON a.phone = b.phone AND a.id < b.id
      UNION ALL SELECT a.id, b.id, 'name' FROM live a JOIN live b ON a.k = b.k AND a.c = b.c AND a.id < b.id)
    SELECT p.one, a.name AS one_name, trim(a.street || ', ' || a.city, ', ') AS one_where, p.other, b.name AS other_name, trim(b.street || ', ' || b.city, ', ') AS other_where, max(p.by) AS by
    FROM pairs p JOIN live a ON a.id = p.one JOIN live b ON b.id = p.other GROUP BY p.one, p.other ORDER BY a.name, p.one, p.other LIMIT 50`,
})
