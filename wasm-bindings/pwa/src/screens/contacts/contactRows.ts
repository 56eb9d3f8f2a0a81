// People as lists show them: those who decide come first.
import type { Query } from '../../data/live'

export interface ContactRow {
  id: string
  full_name: string | null
  job_title: string | null
  account: string | null
  phones: string | null
  is_decision_maker: number | null
  do_not_contact: number | null
  conflict_count: number
}

export const contacts = (found: string[] | null, most: number): Query => ({
  sql: `SELECT c.id, c.full_name, c.job_title, o.name AS account, c.phones, c.is_decision_maker, c.do_not_contact, c.conflict_count
    FROM contacts c LEFT JOIN organizations o ON o.id = c.organization_id
    WHERE c.is_deleted IS NOT TRUE AND o.is_deleted IS NOT TRUE ${found ? 'AND c.id IN (SELECT value FROM json_each(?))' : ''}
    ORDER BY coalesce(c.is_decision_maker, false) DESC, c.last_name COLLATE NOCASE, c.first_name COLLATE NOCASE, c.id LIMIT ${most}`,
  params: found ? [JSON.stringify(found)] : [],
})

export const METHODS = ['phone', 'email', 'text', 'in_person'] as const
