// What a manager's device knows of their team.
import type { Query } from '../../data/live'
import { midnight, today } from '../../format/time'

const LIVE = 'o.is_deleted IS NOT TRUE AND o.merged_into IS NULL'
const VISITED = "i.is_deleted IS NOT TRUE AND i.status = 'completed' AND i.interaction_type IN ('VISIT', 'DEMO')"

export interface Rep {
  id: string
  name: string | null
  accounts: number
  visits: number
  overdue: number
  /** Accounts of priority A, and how many of them were seen within 30 days. */
  a_accounts: number
  a_seen: number
}
/** Everybody with accounts on this device, who saw the fewest of their A accounts first. */
export const reps = (): Query => ({
  sql: `SELECT u.id, u.full_name AS name, count(*) AS accounts,
      (SELECT count(*) FROM interactions i WHERE i.user_id = u.id AND ${VISITED} AND coalesce(i.occurred_at, i.status_at) >= ?) AS visits,
      (SELECT count(*) FROM tasks k LEFT JOIN organizations t ON t.id = k.organization_id WHERE coalesce(k.assignee_id, k.created_by) = u.id
        AND k.is_deleted IS NOT TRUE AND k.is_completed IS NOT TRUE AND t.is_deleted IS NOT TRUE AND k.due_date < ?) AS overdue,
      sum(o.priority_level IS 'A') AS a_accounts, sum(o.priority_level IS 'A' AND coalesce(v.at >= ?, 0)) AS a_seen
    FROM organizations o JOIN users u ON u.id = o.assigned_user_id
    LEFT JOIN (SELECT i.organization_id, max(coalesce(i.occurred_at, i.status_at)) AS at FROM interactions i WHERE ${VISITED} GROUP BY 1) v ON v.organization_id = o.id
    WHERE ${LIVE} AND u.is_active IS NOT FALSE AND u.role = 'sales_rep' GROUP BY u.id, u.full_name
    ORDER BY 1.0 * sum(o.priority_level IS 'A' AND coalesce(v.at >= ?, 0)) / max(1, sum(o.priority_level IS 'A')), u.full_name`,
  params: [midnight(-7), today(), midnight(-30), midnight(-30)],
})

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
