// Fields that several people gave different values at once, and choosing one.
import type { Conflict } from '@kitchen-pantry/sync'
import { replica } from '../../data/session'

/** A value that somebody gave. */
export interface Given {
  value: unknown
  author: string | null
  name: string | null
  at: number | null
}

export interface Contest {
  kind: string
  id: string
  field: string
  /** What all of them started from; undefined when that is not known. */
  base: unknown
  /** All values, the one that counts first. */
  values: Given[]
}

const flat = (one: Conflict): Contest[] => {
  const told = one as unknown as Contest & { fields?: { field: string; values: unknown[] }[] }
  if (!told.fields) return [told]
  return told.fields.map(({ field, values }) => ({ kind: told.kind, id: told.id, field, base: undefined, values: values.map((value) => ({ value, author: null, name: null, at: null })) }))
}

export const contests = (all: Conflict[]): Contest[] => all.flatMap(flat)

/** Gives a field one value, whatever it was given before. */
export async function choose({ id, field }: Contest, value: unknown): Promise<void> {
  const [plain = '', ...entry] = field.split('.')
  if (field === 'is_deleted') return value === true ? replica().delete(id) : replica().restore(id)
  await replica().update(id, { [plain]: entry.length ? { [entry.join('.')]: value } : value })
}

const SEPARATOR = ' / '
/** Two texts as one, where both fit; null where a field takes no such thing. */
export function both({ values }: Contest, type: string | undefined, max = Infinity): string | null {
  const texts = values.map(({ value }) => value)
  if (type !== 'text' || !texts.every((one): one is string => typeof one === 'string')) return null
  const joined = texts.join(SEPARATOR)
  return joined.length <= max ? joined : null
}
