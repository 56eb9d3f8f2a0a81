/**
 * The package in Node: the same replica, in a thread instead of a browser's worker, with its records in memory.
 *
 * @packageDocumentation
 */
import { readFile } from 'node:fs/promises'
import { Worker as Thread } from 'node:worker_threads'
import { openReplica as openAnywhere, PantryError, type OpenOptions, type Replica } from './index.js'

export * from './index.js'

/** Opens a user's records in this process. They are in memory: what was not sent when it ends is lost. `close` it,
 *  or the process goes on. */
export async function openReplica(options: OpenOptions): Promise<Replica> {
  if (options.storage === 'opfs') {
    throw new PantryError('no_storage', 'in Node records are kept in memory only; for a file, use the command line `pantry` or the Rust crate')
  }
  const wasm = options.wasm instanceof WebAssembly.Module ? options.wasm : await engine(options.wasm)
  return openAnywhere({ worker: () => new ThreadWorker() as unknown as Worker, ...options, storage: 'memory', wasm })
}

/** Compiled once for all replicas of the process. */
const compiled = new Map<string, Promise<WebAssembly.Module>>()

function engine(given: string | URL | undefined): Promise<WebAssembly.Module> {
  const file = new URL(given ?? './engine.wasm', import.meta.url)
  const known = compiled.get(file.href)
  if (known) return known
  const made = readFile(file).then((bytes) => WebAssembly.compile(bytes)).catch((error: Error) => {
    compiled.delete(file.href)
    throw new PantryError('no_engine', `the app's engine could not be loaded from ${file} (${error.message})`)
  })
  compiled.set(file.href, made)
  return made
}

/** A thread that looks like a browser's worker. */
class ThreadWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null
  onerror: ((event: { message: string }) => void) | null = null
  readonly #thread: Thread

  constructor() {
    // Node 20 has sockets for the web, but only when it is asked for them.
    const execArgv = 'WebSocket' in globalThis ? [] : ['--experimental-websocket']
    this.#thread = new Thread(new URL('./node-worker.js', import.meta.url), { execArgv })
    this.#thread.on('message', (data) => this.onmessage?.({ data }))
    this.#thread.on('error', ({ message }) => this.onerror?.({ message }))
  }

  postMessage(message: unknown): void { this.#thread.postMessage(message) }
  terminate(): void { void this.#thread.terminate() }
}
