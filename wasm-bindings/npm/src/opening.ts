// Loading the engine, and opening a database with it: the one that is kept, or an empty one in memory.
import init, { Host } from './engine/engine.js'
import { PantryError, failureOf } from './errors.js'
import { finishErasing, folderOf } from './folder.js'
import type { Beginning } from './messages.js'

/** Handles of a worker that just died are free a little later; if they are not, another worker may do better. */
const OPEN_WITHIN_MS = 1500
const TRY_EVERY_MS = 50

/** Whose records a new database is to hold, as far as the page knows. */
type AskForUser = () => Promise<string | null>

/** A database that is open, where it is, and why it is in memory if the app did not ask for that. */
export interface Opened { host: Host; storage: 'opfs' | 'memory'; because: string | null }

/** Opens the database; where nothing can be kept and the app allows it, an empty one in memory. */
export async function openHost(beginning: Beginning, ask: AskForUser): Promise<Opened> {
  const { wasm, storage, user } = beginning
  await init({ module_or_path: wasm }).catch((error: Error) => {
    throw new PantryError('no_engine', `the app's engine could not be loaded${typeof wasm === 'string' ? ` from ${wasm}` : ''} (${error.message}); reload the page`)
  })
  let because: string | null = null
  if (storage !== 'memory') {
    try {
      return { host: await openKept(beginning, ask), storage: 'opfs', because }
    } catch (error) {
      const { code, message } = failureOf(error)
      if (code !== 'no_storage' || storage === 'opfs') throw error
      because = message
    }
  }
  return { host: Host.openInMemory(user ?? (await ask())), storage: 'memory', because }
}

/** Opens the database that is kept in the browser's file system. */
async function openKept({ name, user }: Beginning, ask: AskForUser): Promise<Host> {
  await finishErasing(name)
  const until = performance.now() + OPEN_WITHIN_MS
  for (let whose = user; ; ) {
    try {
      return await Host.open(folderOf(name), whose)
    } catch (error) {
      const { code } = failureOf(error)
      if (code === 'no_user' && whose === null) {
        // Only a database that is new needs a network, or whatever else the page asks for it.
        whose = await ask()
        if (whose === null) throw error
      } else if (code !== 'storage_busy' || performance.now() > until) throw error
      else await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS))
    }
  }
}
