// Choosing one of the values that a field was given.
import type { Conflict } from '@kitchen-pantry/sync'
import { replica } from '../../data/session'

/** Gives a contested field one value. */
export const choose = ({ id, field }: Conflict, value: unknown): Promise<void> => replica().settle(id, field, value)

/** Gives a field the value that counted before, once nothing about it is contested any more. */
export async function chooseBack({ id, field }: Conflict, value: unknown): Promise<void> {
  const [plain = '', ...entry] = field.split('.')
  if (field === 'is_deleted') return value === true ? replica().delete(id) : replica().restore(id)
  await replica().update(id, { [plain]: entry.length ? { [entry.join('.')]: value } : value })
}

const SEPARATOR = ' / '
/** Two texts as one, where both fit; null where a field takes no such thing. */
export function both({ values }: Conflict, type: string | undefined, max = Infinity): string | null {
  const texts = values.map(({ value }) => value)
  if (type !== 'text' || !texts.every((one): one is string => typeof one === 'string')) return null
  const joined = texts.join(SEPARATOR)
  return joined.length <= max ? joined : null
}
