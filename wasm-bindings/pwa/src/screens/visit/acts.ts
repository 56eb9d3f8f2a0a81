// What happens at a visit, each one group that is durable before the screen moves on.
import type { Edit } from '@kitchen-pantry/sync'
import { here } from '../../format/place'
import { replica } from '../../data/session'

export const OUTCOMES = ['order', 'sample_left', 'interested', 'not_now', 'not_in', 'problem'] as const
export type Outcome = (typeof OUTCOMES)[number]
export const NEXT_STEPS = ['call', 'visit', 'send_price', 'bring_sample'] as const
export type NextStep = (typeof NEXT_STEPS)[number]
/** What sort of task a next step is. */
export const STEP_TASKS: Record<NextStep, string> = { call: 'call', visit: 'visit', send_price: 'email', bring_sample: 'sample' }

/** Begins a visit, or takes up the one that was planned; where the device is follows when it is known. */
export async function checkIn(account: string, planned?: string | null): Promise<string> {
  const check_in = { at_ms: Date.now() }
  const [id = ''] = planned
    ? await replica().commit([{ update: { id: planned, set: { check_in } } }])
    : await replica().commit([{ create: { kind: 'interaction', set: { organization_id: account, interaction_type: 'VISIT', planned_at: new Date().toISOString(), check_in } } }])
  void here().then((location) => location && replica().update(id, { location }).catch(() => {}))
  return id
}

export interface Log {
  outcome: Outcome | null
  type: string
  note: string
  next: NextStep | null
  due: string | null
  nextTitle: string
  products: string[]
}

/** The edits by which a visit is logged and left; the follow-up is made once, whatever is tapped twice. */
export function leaving(id: string, account: string, log: Log, hasLeft: boolean): Edit[] {
  const set: Record<string, unknown> = { interaction_type: log.type, outcome: log.outcome, status: 'completed', occurred_at: new Date().toISOString() }
  if (log.note) set.description = log.note
  if (log.products.length) set.products_discussed = log.products
  if (log.nextTitle) set.next_steps = log.nextTitle
  if (!hasLeft) set.check_out = { at_ms: Date.now() }
  const edits: Edit[] = [{ update: { id, set } }]
  if (log.next) {
    edits.push({
      create: {
        kind: 'task',
        set: { title: log.nextTitle, task_type: STEP_TASKS[log.next], due_date: log.due, organization_id: account, interaction_id: id },
      },
    })
  }
  return edits
}
