// What a day asks for.
import type { Query } from '../../data/live'
import { midnight, today } from '../../format/time'

export interface Stop {
  id: string
  organization_id: string
  name: string
  planned_at: string
  status: string | null
  city: string | null
  lat: number | null
  lng: number | null
  check_in_at_ms: number | null
}

export const route = (me: string): Query => ({
  sql: `SELECT i.id, i.organization_id, o.name, i.planned_at, i.status, coalesce(o.shipping_address_city, o.billing_address_city) AS city,
      o.location_lat AS lat, o.location_lng AS lng, i.check_in_at_ms
    FROM interactions i JOIN organizations o ON o.id = i.organization_id
    WHERE i.user_id = ? AND i.is_deleted IS NOT TRUE AND i.planned_at >= ? AND i.planned_at < ? AND i.status NOT IN ('cancelled', 'no_show')
    ORDER BY i.planned_at, i.id LIMIT 30`,
  params: [me, midnight(), midnight(1)],
})

export interface Overdue {
  id: string
  title: string
  due_date: string
  account: string | null
}

export const overdue = (me: string): Query => ({
  sql: `SELECT k.id, k.title, k.due_date, o.name AS account FROM tasks k LEFT JOIN organizations o ON o.id = k.organization_id
    WHERE coalesce(k.assignee_id, k.created_by) = ? AND k.is_deleted IS NOT TRUE AND k.is_completed IS NOT TRUE AND o.is_deleted IS NOT TRUE
      AND k.due_date <= ? AND (k.snooze_until IS NULL OR k.snooze_until < ?) ORDER BY k.due_date, k.id LIMIT 6`,
  params: [me, today(), new Date().toISOString()],
})

export interface News {
  kind: string
  id: string
  what: string
  who: string | null
  at: string
}

/** What others changed since yesterday. */
export const news = (me: string): Query => ({
  sql: `SELECT n.*, u.full_name AS who FROM (
      SELECT 'account' AS kind, id, name AS what, updated_by, updated_at AS at FROM organizations WHERE is_deleted IS NOT TRUE
      UNION ALL SELECT 'deal', id, name, updated_by, updated_at FROM opportunities WHERE is_deleted IS NOT TRUE
      UNION ALL SELECT 'contact', id, full_name, updated_by, updated_at FROM contacts WHERE is_deleted IS NOT TRUE
      UNION ALL SELECT 'task', id, title, updated_by, updated_at FROM tasks WHERE is_deleted IS NOT TRUE
    ) n LEFT JOIN users u ON u.id = n.updated_by
    WHERE n.at >= ? AND n.updated_by <> ? ORDER BY n.at DESC LIMIT 8`,
  params: [midnight(-1), me],
})
