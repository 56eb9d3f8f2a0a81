// A deal's fields as its form has them, and as edits do.
import { orNothing } from '../../data/form'
import type { Money } from '../../ui/MoneyField.vue'

const TEXTS = ['name', 'opportunity_type', 'lead_source', 'priority', 'decision_timeline', 'estimated_close_date', 'principal_organization_id', 'distributor_organization_id'] as const
const NUMBERS = ['cases_per_week', 'probability_override'] as const
const LONG = ['description', 'competitor_info', 'decision_criteria', 'lessons_learned'] as const
export const SURE = ['budget', 'authority', 'need', 'timeline'] as const
type Flag = `${(typeof SURE)[number]}_confirmed`

export type DealFields = Record<(typeof TEXTS)[number] | (typeof NUMBERS)[number] | (typeof LONG)[number], string> &
  Record<Flag, boolean> & { estimated_value: Money | null; next_action: { what: string; date: string }; organization_id: string | null; stage: string }

const FLAGS = SURE.map((one): Flag => `${one}_confirmed`)
export const dealColumns = [...TEXTS, ...NUMBERS, ...LONG, ...FLAGS, 'estimated_value_minor', 'estimated_value_currency', 'next_action_what', 'next_action_date', 'organization_id', 'stage'].join(', ')

type Row = Record<string, string | number | null | undefined>
export function dealFields(row: Row): DealFields {
  const texts = [...TEXTS, ...NUMBERS, ...LONG].map((name) => [name, String(row[name] ?? '')])
  const { estimated_value_minor: minor, estimated_value_currency: currency } = row
  return {
    ...Object.fromEntries([...texts, ...FLAGS.map((name) => [name, !!row[name]])]),
    estimated_value: minor == null || !currency ? null : { minor: Number(minor), currency: String(currency) },
    next_action: { what: String(row.next_action_what ?? ''), date: String(row.next_action_date ?? '') },
    organization_id: (row.organization_id as string | null) ?? null,
    stage: String(row.stage ?? 'prospecting'),
  } as DealFields
}

/** What is written: whole numbers, nothing where nothing was typed. Account and stage have ways of their own. */
export function dealSet(some: Partial<DealFields>): Record<string, unknown> {
  const set: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(some)) {
    if (name === 'organization_id' || name === 'stage') continue
    if (name === 'next_action') {
      const { what, date } = value as DealFields['next_action']
      set[name] = what.trim() || date ? { what: orNothing(what), date: orNothing(date) } : null
    } else if (NUMBERS.includes(name as never)) set[name] = orNothing(value as string) === null ? null : Number(value)
    else if (TEXTS.includes(name as never)) set[name] = orNothing(value as string)
    else set[name] = value
  }
  return set
}
