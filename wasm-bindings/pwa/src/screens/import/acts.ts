// Making the accounts of a file in groups, and deleting what an import made.
import type { NewOrganization } from '@kitchen-pantry/sync'
import { shallowRef } from 'vue'
import * as notes from '../../data/notes'
import { replica } from '../../data/session'
import type { Planned } from './plan'

/** So many at once that a file is soon done, and few enough that a browser stays at hand between them. */
const GROUP = 40
const KEY = 'import:1'

/** The last import, with all that it made. */
export interface Batch {
  file: string
  at: number
  ids: string[]
}
export interface Failed {
  line: number
  name: string
  because: string
}
type Tell = (done: number) => void

export const last = shallowRef<Batch | null>(notes.read<Batch>(KEY))
function keep(batch: Batch | null): void {
  last.value = batch
  if (batch) notes.write(KEY, batch)
  else notes.remove(KEY)
}

/** Makes a group. What is about to be made is written down before, so that no end of the app leaves it without undo. */
async function make(accounts: Planned[], batch: Batch): Promise<Batch> {
  let next = batch
  try {
    await replica().transaction((tx) => {
      const ids = accounts.map(({ set }) => tx.organizations.create(set as unknown as NewOrganization))
      next = { ...batch, ids: [...batch.ids, ...ids] }
      keep(next)
    })
  } catch (error) {
    keep(batch)
    throw error
  }
  return next
}

/** Makes all accounts. A group with one that cannot be made is made one by one, and that one is named. */
export async function makeAll(accounts: Planned[], file: string, tell: Tell): Promise<Failed[]> {
  const failed: Failed[] = []
  let batch: Batch = { file, at: Date.now(), ids: [] }
  for (let at = 0; at < accounts.length; at += GROUP) {
    const group = accounts.slice(at, at + GROUP)
    try {
      batch = await make(group, batch)
    } catch {
      for (const one of group) {
        try {
          batch = await make([one], batch)
        } catch (error) {
          failed.push({ line: one.line, name: one.name, because: error instanceof Error ? error.message : String(error) })
        }
      }
    }
    tell(Math.min(accounts.length, at + GROUP))
  }
  return failed
}

async function each(ids: string[], act: 'delete' | 'restore', tell: Tell): Promise<void> {
  for (let at = 0; at < ids.length; at += GROUP) {
    const group = ids.slice(at, at + GROUP)
    await replica().commit(group.map((id) => (act === 'delete' ? { delete: { id } } : { restore: { id } })))
    tell(Math.min(ids.length, at + GROUP))
  }
}

/** Deletes what the last import made, as far as it is on this device; gives what brings it back. */
export async function undoLast(tell: Tell): Promise<{ count: number; back: () => Promise<void> }> {
  const batch = last.value
  if (!batch) return { count: 0, back: async () => {} }
  const sql = 'SELECT id FROM organizations WHERE is_deleted IS NOT TRUE AND id IN (SELECT value FROM json_each(?))'
  const ids = (await replica().query(sql, [JSON.stringify(batch.ids)])).rows.map(([id]) => String(id))
  await each(ids, 'delete', tell)
  keep(null)
  const back = async () => {
    await each(ids, 'restore', () => {})
    keep(batch)
  }
  return { count: ids.length, back }
}

