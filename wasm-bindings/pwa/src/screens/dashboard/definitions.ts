// What the dashboard asks beside the engine's reports: REPORTS.md does not have these.
import type { Query } from '../../data/live'
import { midnight, today } from '../../format/time'

const OPEN = "coalesce(p.stage NOT IN ('closed-won', 'closed-lost'), true)"
const LIVE_DEAL = 'p.is_deleted IS NOT TRUE AND o.is_deleted IS NOT TRUE'
const VISITED = "i.is_deleted IS NOT TRUE AND i.status = 'completed' AND i.interaction_type IN ('VISIT', 'DEMO')"
const SOLD_TO = "o.is_deleted IS NOT TRUE AND o.merged_into IS NULL AND o.organization_type IN ('prospect', 'customer')"

export interface WinRate {
  rep: string
  quarter: string
  currency: string | null
  won: number
  lost: number
  won_minor: number | null
  lost_minor: number | null
}
/** Deals by the quarter in which they were closed; those of which it is disputed how are left out. */
export const winRate = (): Query => ({
  sql: `SELECT coalesce(u.full_name, '(nobody)') AS rep,
      substr(p.actual_close_date, 1, 4) || '-Q' || ((CAST(substr(p.actual_close_date, 6, 2) AS INTEGER) + 2) / 3) AS quarter, p.estimated_value_currency AS currency,
      sum(p.stage = 'closed-won') AS won, sum(p.stage = 'closed-lost') AS lost,
      sum(CASE WHEN p.stage = 'closed-won' THEN p.estimated_value_minor END) AS won_minor,
      sum(CASE WHEN p.stage = 'closed-lost' THEN p.estimated_value_minor END) AS lost_minor
    FROM opportunities p LEFT JOIN organizations o ON o.id = p.organization_id LEFT JOIN users u ON u.id = p.user_id
    WHERE ${LIVE_DEAL} AND p.stage IN ('closed-won', 'closed-lost') AND p.stage_disputed IS NOT TRUE AND p.actual_close_date IS NOT NULL
    GROUP BY p.user_id, u.full_name, 2, 3 ORDER BY 2 DESC, 1, 3`,
})

/** Within how many days an account of a priority is to be seen. */
const TARGETS = { A: 30, B: 60, C: 90, D: 180 }
export interface Coverage {
  rep: string
  priority: string
  target_days: number
  accounts: number
  visited: number
}
/** How many accounts of each priority were visited within the days that it sets. */
export function coverage(): Query {
  const targets = Object.entries(TARGETS)
  const since = targets.map(([level, days]) => [level, midnight(-days)])
  return {
    sql: `SELECT coalesce(u.full_name, '(nobody)') AS rep, o.priority_level AS priority,
        CASE o.priority_level ${targets.map(([level, days]) => `WHEN '${level}' THEN ${days}`).join(' ')} END AS target_days, count(*) AS accounts,
        sum(coalesce(v.last_visit_at >= CASE o.priority_level ${since.map(() => 'WHEN ? THEN ?').join(' ')} END, 0)) AS visited
      FROM organizations o LEFT JOIN users u ON u.id = o.assigned_user_id
      LEFT JOIN (SELECT i.organization_id, max(coalesce(i.occurred_at, i.status_at)) AS last_visit_at FROM interactions i WHERE ${VISITED} GROUP BY 1) v ON v.organization_id = o.id
      WHERE ${SOLD_TO} AND o.priority_level IS NOT NULL GROUP BY o.assigned_user_id, u.full_name, o.priority_level ORDER BY 2, 1`,
    params: since.flat(),
  }
}

export interface Team {
  rep: string
  accounts: number
  visits: number
  overdue: number
  open_deals: number
}
/** A line for each rep whose accounts are on this device: visits are those of the last seven days. */
export const team = (): Query => ({
  sql: `SELECT u.full_name AS rep, (SELECT count(*) FROM organizations o WHERE o.assigned_user_id = u.id AND o.is_deleted IS NOT TRUE) AS accounts,
      (SELECT count(*) FROM interactions i WHERE i.user_id = u.id AND ${VISITED} AND coalesce(i.occurred_at, i.status_at) >= ?) AS visits,
      (SELECT count(*) FROM tasks k LEFT JOIN organizations o ON o.id = k.organization_id WHERE coalesce(k.assignee_id, k.created_by) = u.id
        AND k.is_deleted IS NOT TRUE AND k.is_completed IS NOT TRUE AND o.is_deleted IS NOT TRUE AND k.due_date < ?) AS overdue,
      (SELECT count(*) FROM opportunities p JOIN organizations o ON o.id = p.organization_id WHERE p.user_id = u.id AND ${LIVE_DEAL} AND ${OPEN}) AS open_deals
    FROM users u WHERE u.role = 'sales_rep' AND u.is_active IS NOT FALSE AND EXISTS (SELECT 1 FROM organizations o WHERE o.assigned_user_id = u.id) ORDER BY u.full_name`,
  params: [midnight(-7), today()],
})
