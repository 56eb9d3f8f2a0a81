// A page's line to its worker: questions and their answers, and another worker when one is lost.
import { PantryError, asError } from './errors.js'
import type { Answer, Beginning, ToPage, ToWorker } from './messages.js'
import { Parts } from './parts.js'
import type { Problem } from './problem.js'

/** A worker that cannot have the files is followed by another, later and later. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000
/** How long opening may take before whoever waits for it is told that it failed. */
const OPEN_WITHIN_MS = 15_000
/** Workers that are lost within this time, one after the other, are not replaced for ever. */
const CRASHES_WITHIN_MS = 60_000
const CRASHES_AT_MOST = 3

/** Failures that may pass by themselves. */
const PASSING = ['storage_busy', 'storage']
const BUSY = 'the records on this device are in use, perhaps by a window that is just closing; trying again'

export interface LineEvents {
  told(message: ToPage): void
  problem(problem: Problem | null): void
  /** A worker was lost and another one took its place. */
  restarted(because: string): void
  closed(error: PantryError): void
}

interface Question { call: string; args: unknown; resolve(value: unknown): void; reject(error: unknown): void }

export class Line {
  #worker: Worker
  #last = 0
  #pause = FIRST_PAUSE_MS
  #crashes: number[] = []
  #opened = false
  #busy = false
  #spoke = false
  #closed: PantryError | null = null
  #ended: () => void = () => {}
  readonly #begun = performance.now()
  readonly #prefix = crypto.randomUUID()
  readonly #waiting = new Map<string, Question>()

  constructor(readonly spawn: () => Worker, readonly beginning: Beginning, readonly events: LineEvents) {
    this.#worker = this.#begin()
  }

  get worker(): Worker { return this.#worker }
  get isClosed(): boolean { return this.#closed !== null }

  ask(call: string, args: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed)
    this.#last += 1
    const id = `${this.#prefix}:${this.#last}`
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { call, args, resolve, reject })
      this.post({ request: { id, call, args } })
    })
  }

  post(message: ToWorker): void { this.#worker.postMessage(message) }

  /** Lets go of the database; resolves once another tab may have it. */
  async close(): Promise<void> {
    if (this.#closed) return
    const ended = new Promise<void>((resolve) => { this.#ended = resolve })
    this.post({ close: true })
    this.fail(new PantryError('closed', 'the replica was closed'))
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1000))])
    this.#worker.terminate()
  }

  /** Ends it for good. */
  fail(error: PantryError): void {
    if (this.#closed) return
    this.#closed = error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
    this.events.closed(error)
  }

  #begin(): Worker {
    const worker = this.spawn()
    this.#spoke = false
    const parts = new Parts()
    worker.onmessage = ({ data }: MessageEvent<ToPage>) => {
      const message = worker === this.#worker ? parts.take(data) : null
      if (message) this.#told(message)
    }
    worker.onerror = (event) => {
      event.preventDefault?.()
      if (worker === this.#worker) this.#lost(event.message)
    }
    worker.postMessage({ begin: this.beginning } satisfies ToWorker)
    return worker
  }

  /** A worker that never spoke could not be loaded; another one would fare no better. */
  #lost(message: string | undefined): void {
    if (this.#spoke) return this.#crashed(message ?? 'the worker failed', null)
    this.#end(new PantryError('no_engine', `the app's worker could not be loaded (${message || 'its file is missing, or is no script'}); reload the page`))
  }

  #told(message: ToPage): void {
    this.#spoke = true
    if ('answer' in message) this.#answered(message.answer)
    else if ('failed' in message) this.#refused(asError(message.failed))
    else if ('crashed' in message) this.#crashed(message.crashed.message, message.crashed.during)
    else if ('problem' in message) this.events.problem(message.problem)
    else {
      if ('state' in message) {
        if (message.state === 'closed') return this.#ended()
        if (message.state === 'owner') this.#atEase()
      }
      this.events.told(message)
    }
  }

  #atEase(): void {
    if (this.#busy) this.events.problem(null)
    this.#busy = false
    this.#pause = FIRST_PAUSE_MS
  }

  #answered(answer: Answer): void {
    this.#atEase()
    const question = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    this.#opened ||= 'value' in answer
    if ('value' in answer) question?.resolve(answer.value)
    else question?.reject(asError(answer.failure))
  }

  /** The worker could not open the database: another one may, a little later. */
  #refused(error: PantryError): void {
    const late = !this.#opened && performance.now() - this.#begun > OPEN_WITHIN_MS
    if (!PASSING.includes(error.code) || late) return this.#end(error)
    this.#busy = true
    this.events.problem({ code: 'busy', message: BUSY })
    this.#replace(this.#pause)
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS)
  }

  /** The engine failed within the worker. What it was asked was answered; the rest is asked anew. */
  #crashed(message: string, during: string | null): void {
    const now = performance.now()
    this.#crashes = [...this.#crashes.filter((at) => now - at < CRASHES_WITHIN_MS), now]
    if (this.#crashes.length > CRASHES_AT_MOST) {
      // What comes from the server does it every time: without a server, what is here can be used.
      if (during !== 'link' || !this.beginning.server) return this.#end(new PantryError('crashed', message))
      this.beginning.server = null
      this.beginning.stopped = `the app cannot take in what the server sends, and needs an update: ${message}`
    }
    this.#replace(0)
    this.events.restarted(message)
  }

  #replace(pause: number): void {
    const lost = this.#worker
    lost.terminate()
    this.events.told({ state: 'waiting', storage: this.beginning.storage === 'memory' ? 'memory' : 'opfs' })
    setTimeout(() => {
      if (this.#closed) return
      this.#worker = this.#begin()
      for (const [id, { call, args }] of this.#waiting) this.post({ request: { id, call, args } })
    }, pause)
  }

  #end(error: PantryError): void {
    this.#worker.terminate()
    this.fail(error)
  }
}
