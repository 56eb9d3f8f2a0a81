// Which databases this browser keeps, for devices that several people use.
import { finishErasing, names } from './folder.js'
import { marked } from './marks.js'

/** A database that is kept in this browser. */
export interface KeptReplica {
  /** The name it was opened by. */
  name: string
  /** How many edits existed in it only, when that was noted last; null where nothing was noted. */
  unsent: number | null
}

/** The databases that this browser keeps, of all users. `openReplica` by its name opens one again, without asking
 *  anybody who they are, so that its unsent edits can be saved (`exportRescue`) and it can be erased. */
export async function keptReplicas(): Promise<KeptReplica[]> {
  // Those of which a worker died before all was erased count as erased, and are.
  const all = await names()
  await Promise.all(all.map(finishErasing))
  return (await names()).sort().map((name) => ({ name, unsent: marked(name)?.unsent ?? null }))
}
