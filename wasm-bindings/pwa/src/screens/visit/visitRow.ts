// A visit, call or other contact as its screen reads it.
import type { Query } from '../../data/live'
import { dayOf, today } from '../../format/time'

export interface Visit {
  id: string
  organization_id: string
  name: string | null
  user_id: string
  who: string | null
  interaction_type: string | null
  outcome: string | null
  description: string | null
  status: string | null
  planned_at: string | null
  occurred_at: string | null
  check_in_at_ms: number | null
  check_out_at_ms: number | null
  next_steps: string | null
  contact: string | null
  lead_contact_id: string | null
  is_deleted: number | null
  conflict_count: number
}

export const TYPES = ['VISIT', 'CALL', 'EMAIL', 'MEETING', 'DEMO', 'PROPOSAL', 'FOLLOW_UP', 'SAMPLE'] as const

export const visitOf = (id: string): Query => ({
  sql: `SELECT i.id, i.organization_id, o.name, i.user_id, u.full_name AS who, i.interaction_type, i.outcome, i.description, i.status, i.planned_at, i.occurred_at,
      i.check_in_at_ms, i.check_out_at_ms, i.next_steps, c.full_name AS contact, i.lead_contact_id, i.is_deleted, i.conflict_count
    FROM interactions i LEFT JOIN organizations o ON o.id = i.organization_id LEFT JOIN users u ON u.id = i.user_id LEFT JOIN contacts c ON c.id = i.lead_contact_id WHERE i.id = ?`,
  params: [id],
})

export type Standing = 'planned' | 'open' | 'off' | 'done'

/** Planned, begun and not left, called off or nobody there, or done. */
export function standing(visit: Visit): Standing {
  if (visit.status === 'completed') return 'done'
  if (visit.status === 'cancelled' || visit.status === 'no_show') return 'off'
  return visit.check_in_at_ms ? 'open' : 'planned'
}

const two = (n: number) => String(n).padStart(2, '0')
/** A moment as the two fields of a form have it, here. */
export function dayAndTime(at: string | null): { date: string; time: string } {
  const when = at ? new Date(at) : null
  if (!when || Number.isNaN(when.getTime())) return { date: today(), time: '' }
  return { date: dayOf(when.toISOString()), time: `${two(when.getHours())}:${two(when.getMinutes())}` }
}
