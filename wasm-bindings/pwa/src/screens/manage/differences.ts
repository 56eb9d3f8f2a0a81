// Where two accounts differ, field by field, and what the one that stays may take over from the other.
import type { AccountPreview } from '@kitchen-pantry/sync/manage'
import { fieldOf, kindOf, type Field } from '../../records/declared'

export interface Difference {
  field: Field
  kept: unknown
  givenUp: unknown
  /** What the account that stays lacks and can be given as it is; undefined where that is nothing. */
  takes: unknown
}

const isNothing = (value: unknown): boolean => value == null || value === '' || (Array.isArray(value) && !value.length) || (typeof value === 'object' && Object.values(value).every(isNothing))
const SIMPLE = ['text', 'long_text', 'choice', 'int', 'parts']

function takes({ type }: Field, kept: unknown, givenUp: unknown): unknown {
  if (isNothing(givenUp)) return undefined
  if (type === 'set') {
    const has = new Set(kept as string[] | null)
    const add = (givenUp as string[]).filter((one) => !has.has(one))
    return add.length ? { add } : undefined
  }
  if (!SIMPLE.includes(type) || !isNothing(kept)) return undefined
  return givenUp
}

/** The differences of a preview, in the order in which fields are declared. */
export function differences(columns: NonNullable<AccountPreview['columns']>): Difference[] {
  const found = new Map<Field, { kept: unknown; givenUp: unknown }>()
  for (const { column, kept, given_up: givenUp } of columns) {
    const field = fieldOf('organization', column)
    if (!field) continue
    if (field.type !== 'parts') {
      found.set(field, { kept, givenUp })
      continue
    }
    const part = column.slice(field.name.length + 1)
    const before = found.get(field) as { kept: object; givenUp: object } | undefined
    found.set(field, { kept: { ...before?.kept, [part]: kept }, givenUp: { ...before?.givenUp, [part]: givenUp } })
  }
  const order = (field: Field) => kindOf('organization')?.fields.indexOf(field) ?? 0
  const inOrder = [...found].sort(([one], [other]) => order(one) - order(other))
  return inOrder.map(([field, { kept, givenUp }]) => ({ field, kept, givenUp, takes: takes(field, kept, givenUp) }))
}

/** What is to be written to the account that stays. */
export const takenOver = (all: Difference[]): Record<string, unknown> =>
  Object.fromEntries(all.filter(({ takes }) => takes !== undefined).map(({ field, takes }) => [field.name, takes]))

/** How that is taken back. */
export const givenBack = (taken: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(taken).map(([field, value]) => [field, value && typeof value === 'object' && 'add' in value ? { remove: value.add } : null]))
