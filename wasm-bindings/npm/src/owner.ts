// The one worker that has the database: answers the questions of all tabs, and drives the link.
import init, { Host } from './engine/engine.js'
import { PantryError, failureOf } from './errors.js'
import { erasing, finishErasing, folderOf, remove } from './folder.js'
import { LinkDriver, type LinkStatus, type Outcome } from './link.js'
import { needsSignIn, noticeOf, saidOf, type Notice } from './notices.js'
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
  /** Whose records a new database is to hold, as far as the page knows. */
  user(): Promise<string | null>
}

/** Calls that write. */
const WRITING = ['commit', 'resubmit', 'discard', 'bring_back', 'undo', 'settle']

export class Owner {
  #link: LinkDriver | null = null
  #watchers = new Map<number, string>()
  #asked = new Map<number, (wouldBe: unknown) => void>()
  #syncs: ((outcome: unknown) => void)[] = []
  #answered = new Map<string, Answer>()
  #said = ''
  /** What the link says beyond what the file says. */
  #linked: Pick<Status, 'signIn' | 'stopped' | 'retryAt'> = { signIn: null, stopped: null, retryAt: null }
  /** Everything was taken off this device. */
  erased = false

  private constructor(readonly host: Host, readonly name: string, readonly storage: 'opfs' | 'memory', readonly events: OwnerEvents) {}

  /** Opens the database; where nothing can be kept and the app allows it, an empty one in memory. */
  static async open(beginning: Beginning, events: OwnerEvents): Promise<Owner> {
    await init({ module_or_path: beginning.wasm })
    const { name, server } = beginning
    let because: string | null = null
    let host: Host | null = null
    if (beginning.storage !== 'memory') {
      try {
        host = await openKept(beginning, events)
      } catch (error) {
        const { code, message } = failureOf(error)
        if (code !== 'no_storage' || beginning.storage === 'opfs') throw error
        because = message
      }
    }
    const storage = host ? 'opfs' : 'memory'
    host ??= Host.openInMemory(beginning.user ?? (await events.user()))
    const owner = new Owner(host, name, storage, events)
    if (server) owner.useServer(server)
    owner.#rebuild()
    owner.changed()
    if (because) owner.tell({ type: 'memory', because })
    return owner
  }

  tell(notice: Notice): void { this.events.news({ to: null, notice }) }

  useServer(server: { url: string; app: string }): void {
    this.#link?.stop()
    this.host.useServer(JSON.stringify(server))
    this.#link = new LinkDriver(this.host, server.url, {
      fetchToken: () => this.events.fetchToken(),
      status: (status) => this.#linkSays(status),
      notice: (notice) => this.#notice(notice),
      ended: (wanted, outcome) => this.#ended(wanted, outcome),
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
    if (this.erased) return { id, to: from, failure: { code: 'erased', message: ERASED } }
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
    this.#link = null
    if (!this.erased) this.host.close()
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
      case 'reconnect':
        return this.tryAgain()
      case 'erase':
        return this.#erase(args as { evenUnsent: boolean })
      default: {
        const value = this.#call(call, args)
        if (WRITING.includes(call)) this.#link ? this.#link.happened('edited') : this.changed()
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

  async #erase({ evenUnsent }: { evenUnsent: boolean }): Promise<void> {
    const { unsent } = this.#call('status', {}) as Status
    if (unsent > 0 && !evenUnsent) {
      throw new PantryError('unsent', `${unsent === 1 ? 'one edit is' : `${unsent} edits are`} on this device only; send or save them first, or erase them with \`evenUnsent\``)
    }
    if (this.storage === 'opfs') await erasing(this.name)
    this.close()
    this.erased = true
    if (this.storage === 'opfs') await remove(this.name)
  }

  #linkSays({ retry_at, fault }: LinkStatus): void {
    const signIn = fault && needsSignIn(fault) ? saidOf(fault) : null
    const stopped = fault && !signIn ? this.#linked.stopped : null
    const retryAt = retry_at === null ? null : Math.round(Date.now() + retry_at - performance.now())
    this.#linked = { signIn, stopped, retryAt }
  }

  #ended(wanted: 'once' | 'always', outcome: Outcome): void {
    if (wanted === 'once') return this.#syncs.splice(0).forEach((done) => done(outcome))
    if (typeof outcome === 'string') return
    const because = saidOf(outcome.failed)
    if (needsSignIn(outcome.failed)) {
      this.#linked = { ...this.#linked, signIn: because }
      this.tell({ type: 'sign_in', because })
    } else {
      this.#linked = { ...this.#linked, stopped: because }
      this.tell({ type: 'stopped', because })
    }
  }

  #notice(told: unknown): void {
    const answered = (told as { answered?: { question: number; would_be: unknown } }).answered
    if (answered) {
      this.#asked.get(answered.question)?.(answered.would_be)
      this.#asked.delete(answered.question)
      return
    }
    const notice = noticeOf(told)
    if (notice) this.tell(notice)
  }

  /** Tells what became of everybody's queries, and the status when it is another one. */
  changed(): void {
    if (this.erased) return
    for (const [subscription, difference] of JSON.parse(this.host.differences())) {
      const to = this.#watchers.get(subscription)
      if (to !== undefined) this.events.news({ to, subscription, difference })
    }
    const status = { ...(this.#call('status', {}) as Status), ...this.#linked, storage: this.storage }
    const said = JSON.stringify(status)
    if (said !== this.#said) this.events.news({ to: null, status })
    this.#said = said
  }

  /** Fills the tables anew after an update, between other work. */
  #rebuild(): void {
    if (this.erased) return
    if (this.#call('rebuild', { most: REBUILT_AT_ONCE }) === null) return
    this.changed()
    setTimeout(() => this.#rebuild(), 1)
  }
}

const ERASED = 'everything was taken off this device'

/** Opens the database that is kept in the browser's file system. */
async function openKept({ name, user }: Beginning, events: OwnerEvents): Promise<Host> {
  await finishErasing(name)
  const until = performance.now() + OPEN_WITHIN_MS
  for (let whose = user; ; ) {
    try {
      return await Host.open(folderOf(name), whose)
    } catch (error) {
      const { code } = failureOf(error)
      if (code === 'no_user' && whose === null) {
        // Only a database that is new needs a network, or whatever else the page asks for it.
        whose = await events.user()
        if (whose === null) throw error
      } else if (code !== 'storage_busy' || performance.now() > until) throw error
      else await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS))
    }
  }
}
