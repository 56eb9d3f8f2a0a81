// What a page, its worker and the workers of other tabs say to each other.
import type { Failure } from './errors.js'
import type { Notice } from './notices.js'
import type { Problem } from './problem.js'

/** How a worker begins. */
export interface Beginning {
  name: string
  /** `auto` is `opfs` where the browser has it, and else `memory`. */
  storage: 'opfs' | 'memory' | 'auto'
  user: string | null
  server: { url: string; app: string } | null
  /** Why there is no server any more, though the app named one. */
  stopped?: string
  /** Its address, or the engine itself. */
  wasm: string | WebAssembly.Module
}

/** A question to whoever owns the database. `id` is unique among all tabs, so that it is answered once. */
export interface Request { id: string; from: string; call: string; args: unknown }

export type Answer = { id: string; to: string } & ({ value: unknown } | { failure: Failure })

/** What the owner tells, to one tab or to all (`to` is null). */
export type News =
  | { to: string; subscription: number; difference: Difference }
  | { to: string | null; status: Status }
  | { to: null; notice: Notice }

/** A tab's worker, and of which build of the package it is. */
export interface Who { tab: string; build: number }

/** Between the workers of all tabs. What an owner says has its term: one that had the database before another
 *  is not heard any more. */
export type Spoken =
  | { request: Request }
  | { answer: Answer; term: number }
  | { news: News; term: number }
  /** A tab begins, or asks whether there is an owner. */
  | { hello: Who }
  /** Said by whoever has the database, or is opening it (`term` is null then). */
  | { owner: Who; term: number | null; fresh: boolean }
  /** A newer build asks an older one for the database. */
  | { yield: Who }
  | { erased: true }

/** From a page to its worker. */
export type ToWorker =
  | { begin: Beginning }
  | { request: { id: string; call: string; args: unknown } }
  | { token: { value: string } | { failure: Failure } }
  | { user: string | null }
  /** The network came or went, or the page is looked at again after a while. */
  | { wake: 'online' | 'offline' | 'shown' }
  | { close: true }

/** From a worker to its page. */
export type ToPage =
  /** Rows that belong before those of the next answer, or difference, of this name. */
  | { part: { of: string; rows: unknown[] } }
  | { answer: Answer }
  | { news: News }
  | { fetchToken: true }
  | { needUser: true }
  | { state: 'waiting' | 'opening' | 'owner' | 'closed'; storage: 'opfs' | 'memory' }
  | { problem: Problem | null }
  | { erased: true }
  | { failed: Failure }
  /** The engine failed; `during` is the call, or `link`. */
  | { crashed: { message: string; during: string } }

/** What became of the rows of a query; places are those before (`from`) and after (`to`). */
export interface Difference {
  removed: { from: number; key: unknown }[]
  changed: { from: number; to: number; row: unknown[] }[]
  added: { to: number; row: unknown[] }[]
}

/** How the replica stands. */
export interface Status {
  /** Whether it talks to a server, and has everything there was. */
  link: 'offline' | 'catching_up' | 'live'
  /** Edits that exist on this device only. */
  unsent: number
  /** When the oldest of them was made, in milliseconds since 1970. */
  oldestUnsent: number | null
  /** Records with contested values. */
  conflicts: number
  /** Edits that the server refused. */
  refused: number
  /** Records that are compared with a restored server. */
  comparing: number
  records: number
  /** What of a first sync has not come: until it has, lists and searches lack records. */
  incomplete: { came: number; toCome: number | null } | null
  rebuilding: { done: number; total: number } | null
  /** What is wrong with the device's clock, if anything, in words. */
  clock: string | null
  lastSync: number | null
  lastFault: string | null
  /** Why a sign-in is needed before anything can be sent or received; null when it is not. Everything that is
   *  here can be read and edited meanwhile. */
  signIn: string | null
  /** Why the server is not tried any more until somebody does something; null while it is. */
  stopped: string | null
  /** When the server is tried again, in milliseconds since 1970; null when nothing failed. */
  retryAt: number | null
  /** What keeps the replica from working as it should; null when nothing does. */
  problem: Problem | null
  /** Where records are kept: `memory` is gone with the page. */
  storage: 'opfs' | 'memory'
  /** All of it in one line. */
  said: string
}
