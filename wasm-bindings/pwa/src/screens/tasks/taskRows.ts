// Tasks as lists show them, and what is done with them.
import type { Query } from '../../data/live'
import { midnight, plusDays, today } from '../../format/time'

export interface TaskRow {
  id: string
  title: string
  due_date: string | null
  snooze_until: string | null
  priority: string | null
  is_completed: number | null
  completed_at: string | null
  conflict_count: number
  account: string | null
  assignee: string | null
}

export type Whose = 'mine' | 'given' | 'done'
export const GROUPS = ['overdue', 'today', 'week', 'later'] as const
export type Group = (typeof GROUPS)[number]
export const PRIORITIES = ['high', 'medium', 'low'] as const
export const TASK_TYPES = ['follow_up', 'call', 'email', 'visit', 'sample', 'other'] as const

const COLUMNS = `k.id, k.title, k.due_date, k.snooze_until, k.priority, k.is_completed, k.completed_at, k.conflict_count, o.name AS account, u.full_name AS assignee`
const FROM = `FROM tasks k LEFT JOIN organizations o ON o.id = k.organization_id LEFT JOIN users u ON u.id = k.assignee_id`
const MINE = 'coalesce(k.assignee_id, k.created_by) = ?'
const WHICH: Record<Whose, { where: string; order: string }> = {
  mine: { where: `${MINE} AND k.is_completed IS NOT TRUE AND o.is_deleted IS NOT TRUE`, order: 'k.due_date NULLS LAST, k.id' },
  given: { where: 'k.created_by = ? AND k.assignee_id <> k.created_by AND k.is_completed IS NOT TRUE', order: 'k.due_date NULLS LAST, k.id' },
  done: { where: `${MINE} AND k.is_completed`, order: 'k.completed_at DESC, k.id' },
}

export const tasks = (whose: Whose, me: string, most: number): Query => ({
  sql: `SELECT ${COLUMNS} ${FROM} WHERE k.is_deleted IS NOT TRUE AND ${WHICH[whose].where} ORDER BY ${WHICH[whose].order} LIMIT ${most}`,
  params: [me],
})

/** Where a task stands among the others: what is put off is later, whatever it was due. */
export function groupOf(task: TaskRow): Group {
  if (task.snooze_until && task.snooze_until > midnight(1)) return 'later'
  if (!task.due_date) return 'later'
  if (task.due_date < today()) return 'overdue'
  if (task.due_date === today()) return 'today'
  return task.due_date <= plusDays(today(), 7) ? 'week' : 'later'
}

/** The day so many days on: from the day it is due, or from today when that has passed. */
export const putOff = (due: string | null, days: number): string => plusDays(due && due > today() ? due : today(), days)
