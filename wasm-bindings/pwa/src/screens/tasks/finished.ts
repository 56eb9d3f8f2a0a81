// A task that was just finished, of which the app asks what comes next.
import { shallowRef } from 'vue'
import { replica } from '../../data/session'

export interface Finished {
  id: string
  title: string
  account: string
  name: string
  contact: string | null
}

export const finished = shallowRef<Finished | null>(null)

/** What the next task of an account is about; null for a task without one. */
export async function ofAccount(id: string): Promise<Finished | null> {
  const { rows } = await replica().query(
    'SELECT k.title, k.organization_id, o.name, k.contact_id FROM tasks k JOIN organizations o ON o.id = k.organization_id WHERE k.id = ?',
    [id],
  )
  const [row] = rows as [string, string, string, string | null][]
  return row ? { id, title: row[0], account: row[1], name: row[2], contact: row[3] } : null
}
