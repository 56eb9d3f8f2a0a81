// The one worker that has the database: answers the questions of all tabs, and drives the link.
import init, { Host } from './engine/engine.js'
import { PantryError, failureOf } from './errors.js'
import { LinkDriver } from './link.js'
import type { Answer, Beginning, News, Request, Status } from './messages.js'

/** Handles of a worker that just died are free a little later. */
const OPEN_WITHIN_MS = 10_000
const TRY_EVERY_MS = 50
/** Records that are filled in at once after an update. */
const REBUILT_AT_ONCE = 100
/** Answers that are kept for whoever asks again. */
const REMEMBERED = 512

export interface OwnerEvents {
  news(news: News): void
  fetchToken(): void
}

export class Owner {
  #link: LinkDriver | null = null
  #watchers = new Map<number, string>()
  #asked = new Map<number, (wouldBe: unknown) => void>()
  #syncs: ((outcome: unknown) => void)[] = []
  #answered = new Map<string, Answer>()
  #said = ''

  private constructor(readonly host: Host, readonly events: OwnerEvents) {}

  static async open(beginning: Beginning, events: OwnerEvents): Promise<Owner> {
    await init({ module_or_path: beginning.wasm })
    const owner = new Owner(await openHost(beginning), events)
    if (beginning.server) owner.useServer(beginning.server)
    owner.#rebuild()
    owner.changed()
    return owner
  }

  useServer(server: { url: string; app: string }): void {
    this.#link?.stop()
    this.host.useServer(JSON.stringify(server))
    this.#link = new LinkDriver(this.host, server.url, {
      fetchToken: () => this.events.fetchToken(),
      notice: (notice) => this.#notice(notice),
      ended: (wanted, outcome) => {
        if (wanted === 'once') this.#syncs.splice(0).forEach((done) => done(outcome))
      },
      changed: () => this.changed(),
    })
    this.#link.happened({ wanted: 'always' })
  }

  token(token: { Ok: string } | { Err: unknown }): void {
    this.#link?.happened({ token })
  }

  /** The network came back, or the page was looked at again. */
  tryAgain(): void {
    this.#link?.happened({ wanted: 'always' })
  }

  /** Answers once, however often it is asked: whoever heard nothing of an old owner asks the new one again. */
  async answer({ id, from, call, args }: Request): Promise<Answer> {
    const known = this.#answered.get(id)
    if (known) return known
    let answer: Answer
    try {
      answer = { id, to: from, value: await this.#do(from, call, args) }
    } catch (error) {
      answer = { id, to: from, failure: failureOf(error) }
    }
    this.#answered.set(id, answer)
    if (this.#answered.size > REMEMBERED) this.#answered.delete(this.#answered.keys().next().value as string)
    return answer
  }

  /** A tab is gone: nobody listens to its subscriptions. */
  forget(from: string): void {
    for (const [subscription, watcher] of this.#watchers) {
      if (watcher === from) this.#unsubscribe(subscription)
    }
  }

  close(): void {
    this.#link?.stop()
    this.host.free()
  }

  #call(name: string, args: unknown): unknown {
    return JSON.parse(this.host.call(name, JSON.stringify(args ?? {})))
  }

  async #do(from: string, call: string, args: unknown): Promise<unknown> {
    switch (call) {
      case 'subscribe': {
        const begun = this.#call(call, args) as { subscription: number }
        this.#watchers.set(begun.subscription, from)
        return begun
      }
      case 'unsubscribe':
        return this.#unsubscribe((args as { subscription: number }).subscription)
      case 'would_be':
        return this.#ask(args as { edits: unknown[]; withinMs: number })
      case 'sync':
        return this.#sync()
      default: {
        const value = this.#call(call, args)
        if (['commit', 'resubmit', 'discard'].includes(call)) this.#link ? this.#link.happened('edited') : this.changed()
        return value
      }
    }
  }

  #unsubscribe(subscription: number): void {
    this.#watchers.delete(subscription)
    this.#call('unsubscribe', { subscription })
  }

  #ask({ edits, withinMs }: { edits: unknown[]; withinMs: number }): Promise<unknown> {
    const link = this.#link
    if (!link) throw new PantryError('no_server', 'no server was named')
    const [question, ...effects] = this.host.ask(JSON.stringify(edits), withinMs, performance.now())
    return new Promise((resolve) => {
      this.#asked.set(question as number, resolve)
      link.carryOut(effects)
    })
  }

  #sync(): Promise<unknown> {
    const link = this.#link
    if (!link) throw new PantryError('no_server', 'no server was named')
    return new Promise((resolve) => {
      this.#syncs.push(resolve)
      link.happened({ wanted: 'once' })
    })
  }

  #notice(notice: unknown): void {
    const answered = (notice as { answered?: { question: number; would_be: unknown } }).answered
    if (answered) {
      this.#asked.get(answered.question)?.(answered.would_be)
      this.#asked.delete(answered.question)
    } else this.events.news({ to: null, notice })
  }

  /** Tells what became of everybody's queries, and the status when it is another one. */
  changed(): void {
    for (const [subscription, difference] of JSON.parse(this.host.differences())) {
      const to = this.#watchers.get(subscription)
      if (to !== undefined) this.events.news({ to, subscription, difference })
    }
    const status = this.#call('status', {}) as Status
    const said = JSON.stringify(status)
    if (said !== this.#said) this.events.news({ to: null, status })
    this.#said = said
  }

  /** Fills the tables anew after an update, between other work. */
  #rebuild(): void {
    if (this.#call('rebuild', { most: REBUILT_AT_ONCE }) === null) return
    this.changed()
    setTimeout(() => this.#rebuild(), 1)
  }
}

async function openHost({ name, storage, user }: Beginning): Promise<Host> {
  if (storage === 'memory') return Host.openInMemory(user)
  const until = performance.now() + OPEN_WITHIN_MS
  for (;;) {
    try {
      return await Host.open(`kitchen-pantry/${name}`, user)
    } catch (error) {
      if (failureOf(error).code !== 'storage_busy' || performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS))
    }
  }
}
