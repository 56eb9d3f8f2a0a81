// Names of the records that values point to, looked up when they are first shown.
import { reactive } from 'vue'
import { replica } from '../data/session'
import { kindOf, titleSql } from './declared'

const names = reactive(new Map<string, string | null>())
const wanted = new Map<string, Set<string>>()
let isAsking = false

async function ask(): Promise<void> {
  const round = [...wanted]
  wanted.clear()
  isAsking = false
  for (const [kind, ids] of round) {
    const title = kind === 'user' ? 'full_name' : kind === 'territory' ? 'name' : titleSql(kind)
    const sql = `SELECT id, ${title} FROM ${kindOf(kind)?.table ?? kind} WHERE id IN (SELECT value FROM json_each(?))`
    const { rows } = await replica().query(sql, [JSON.stringify([...ids])]).catch(() => ({ rows: [] as unknown[][] }))
    for (const [id, name] of rows) names.set(String(id), name == null ? null : String(name))
  }
}

/** What a record is called; null as long as that is not known here. */
export function nameOf(kind: string, id: string): string | null {
  const known = names.get(id)
  if (known !== undefined) return known
  names.set(id, null)
  wanted.set(kind, (wanted.get(kind) ?? new Set()).add(id))
  if (!isAsking) {
    isAsking = true
    queueMicrotask(() => void ask())
  }
  return null
}
