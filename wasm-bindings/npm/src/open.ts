// How an app comes to a replica.
import { PantryError } from './errors.js'
import type { Notice } from './notices.js'
import { Replica } from './replica.js'

/** How a replica is opened. */
export interface OpenOptions {
  /** Names the database on this device: one a user. */
  name: string
  /** The server's address, such as `wss://crm.example.com/sync`; without it nothing is sent. */
  url?: string
  /** Gives the user's present token, or null when nobody is signed in; asked when a session begins, and again
   *  before a token runs out. It is not stored. */
  token?: () => Promise<string | null>
  /** Whose records these are: needed when the database is new and no token can be had. */
  user?: string
  /** Name and version of the app, for the operator's eyes. */
  app?: string
  /** Where it is kept: in the browser's own file system (`opfs`), or in memory until the page goes. `auto`, if
   *  nothing else is said, takes memory only where there is no file system, as in some private windows, and says so
   *  in the status and by a notice. */
  storage?: 'auto' | 'opfs' | 'memory'
  /** Is told of notices from the start; `replica.onNotice` hears those that come once it is open. */
  onNotice?: (notice: Notice) => void
  /** Where the engine is, if not beside this file; or the engine itself, compiled. */
  wasm?: string | URL | WebAssembly.Module
  /** Makes the worker, where a bundler needs that to be written out. */
  worker?: () => Worker
}

/** Opens a user's records on this device; resolves as soon as they can be read, with a network or without. */
export async function openReplica(options: OpenOptions): Promise<Replica> {
  if (!options.worker && typeof Worker === 'undefined') {
    throw new PantryError('no_storage', 'this is the package as browsers get it, and there are no workers here; Node finds its own by the package\'s name')
  }
  const spawn = options.worker ?? (() => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }))
  const wasm = options.wasm ?? new URL('./engine.wasm', import.meta.url)
  const server = options.url === undefined ? null : { url: options.url, app: options.app ?? 'web' }
  const { name, user = null, storage = 'auto' } = options
  const beginning = { name, storage, user, server, wasm: wasm instanceof WebAssembly.Module ? wasm : new URL(wasm, location.href).href }
  return new Replica(spawn, beginning, options.token, options.onNotice).begin()
}
