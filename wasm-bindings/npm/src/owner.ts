// The one worker that has the database: answers the questions of all tabs, and drives the link.
import type { Host } from './engine/engine.js'
import { PantryError, failureOf } from './errors.js'
import { erasing, isThere, remove } from './folder.js'
import { guarded } from './guarded.js'
import { LinkDriver, type LinkStatus, type Outcome } from './link.js'
import { needsSignIn, noticeOf, saidOf, type Fault, type Notice } from './notices.js'
import type { Answer, Beginning, News, Request, Status } from './messages.js'
import { openHost } from './opening.js'
import { FULL, WIPED, type Problem } from './problem.js'
import { Space, isFull } from './space.js'

/** Ticks between looks at whether what was opened is still there, and whether there is room again. */
const LOOK_EVERY = 5
/** Records that are filled in at once after an update. */
const REBUILT_AT_ONCE = 100
/** After each look at live queries the server's batches have so many times as long for themselves, up to a limit. */
const RESTS = 4
const REST_AT_MOST_MS = 1000
/** Answers that are kept for whoever asks again. */
const REMEMBERED = 512

export interface OwnerEvents {
  news(news: News): void
  fetchToken(): void
  /** Whose records a new database is to hold, as far as the page knows. */
  user(): Promise<string | null>
  /** The engine failed amid a call, or amid what the link does: nothing can be asked of it any more. */
  crashed(message: string, during: string): void
}

/** Calls that write. */
const WRITING = ['commit', 'resubmit', 'discard', 'bring_back', 'undo', 'settle', 'import_begin', 'import_rows', 'import_end', 'import_undo']

export class Owner {
  #link: LinkDriver | null = null
  #watchers = new Map<number, string>()
  #asked = new Map<number, (wouldBe: unknown) => void>()
  #syncs: ((outcome: unknown) => void)[] = []
  #answered = new Map<string, Answer>()
  #said = ''
  /** What the link says beyond what the file says. */
  #linked: Pick<Status, 'signIn' | 'stopped' | 'retryAt'> = { signIn: null, stopped: null, retryAt: null }
  #problem: Problem | null = null
  #ticks = 0
  /** When live queries may be looked at next for what the server sent, and what waits for that. */
  #nextLook = 0
  #look: ReturnType<typeof setTimeout> | undefined
  /** The engine failed: another worker answers whatever is asked from here on. */
  #dead = false
  /** Everything was taken off this device. */
  erased = false

  /** `term` is greater than that of every owner before. */
  private constructor(readonly host: Host, readonly name: string, readonly term: number, readonly space: Space | null, readonly storage: 'opfs' | 'memory', readonly events: OwnerEvents) {}

  /** Opens the database; where nothing can be kept and the app allows it, an empty one in memory. */
  static async open(beginning: Beginning, events: OwnerEvents): Promise<Owner> {
    const { name, server } = beginning
    const { host, storage, because } = await openHost(beginning, () => events.user())
    const space = storage === 'opfs' ? await Space.hold(name) : null
    if (space && !space.isHeld) await space.give()
    const term = Number(host.call('begin_term', '{}'))
    const crashed = (message: string, during: string) => {
      owner.#dead = true
      events.crashed(message, during)
    }
    const owner: Owner = new Owner(guarded(host, crashed), name, term, space, storage, events)
    if (space && !space.isHeld) owner.#set(FULL)
    if (server) owner.useServer(server)
    else if (beginning.stopped) owner.#linked = { ...owner.#linked, stopped: beginning.stopped }
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
      changed: () => this.#changedSoon(),
    })
    this.#link.happened({ wanted: 'always' })
  }

  token(token: { Ok: string } | { Err: unknown }): void {
    this.#link?.happened({ token })
  }

  dropLine(reason: string): void { this.#link?.dropLine(reason) }

  /** The network came back, or the page was looked at again. */
  tryAgain(): void {
    this.#link?.happened({ wanted: 'always' })
  }

  /** Answers once, however often it is asked: whoever heard nothing of an old owner asks the new one again. */
  async answer({ id, from, call, args }: Request): Promise<Answer> {
    const known = this.#answered.get(id)
    if (known) return known
    if (this.erased) return { id, to: from, failure: { code: 'erased', message: ERASED } }
    if (this.#dead) return new Promise(() => {})
    let answer: Answer
    try {
      answer = { id, to: from, value: await this.#do(from, call, args) }
    } catch (error) {
      const failure = failureOf(error)
      if (await this.#isFull(failure.code, failure.message)) failure.code = 'storage_full'
      answer = { id, to: from, failure }
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
    clearTimeout(this.#look)
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
        if (WRITING.includes(call)) await this.#mayWrite()
        const value = this.#call(call, args)
        if (WRITING.includes(call)) this.#written()
        return value
      }
    }
  }

  #written(): void {
    this.#link?.happened('edited')
    this.changed()
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
    if (wanted === 'once') {
      // Whoever waited looks at the status next.
      this.changed()
      return this.#syncs.splice(0).forEach((done) => done(outcome))
    }
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

  /** Every second. */
  async tick(): Promise<void> {
    this.#ticks += 1
    if (this.#dead || this.#ticks % LOOK_EVERY !== 0 || this.storage === 'memory' || this.erased) return
    if (!(await isThere(this.name)) && !this.erased) this.#set(WIPED)
    else if (this.#problem === FULL) await this.#mayWrite().catch(() => {})
  }

  #set(problem: Problem | null): void {
    if (this.#problem === problem || this.#problem === WIPED) return
    this.#problem = problem
    if (problem) this.tell({ type: 'problem', code: problem.code, because: problem.message })
    this.changed()
  }

  /** Whether a failure says that there is no room; then the reserve goes to what is not the user's own writing. */
  async #isFull(code: string, message: string): Promise<boolean> {
    if (!this.space || !(await isFull(code, message))) return false
    await this.space.give()
    this.#set(FULL)
    return true
  }

  /** Edits are refused as long as there is no room for the reserve beside them. */
  async #mayWrite(): Promise<void> {
    if (this.#problem === WIPED) throw new PantryError('replaced', WIPED.message)
    if (this.#problem !== FULL) return
    if (!(await this.space?.retake())) throw new PantryError('storage_full', FULL.message)
    this.#set(null)
    this.#link?.happened({ wanted: 'always' })
  }

  #notice(told: unknown): void {
    const failed = (told as { retrying?: { fault: Fault } }).retrying?.fault
    if (failed && typeof failed === 'object' && 'store' in failed) void this.#isFull('storage', String(failed.store))
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
    if (this.erased || this.#dead) return
    const began = performance.now()
    for (const [subscription, difference] of JSON.parse(this.host.differences())) {
      const to = this.#watchers.get(subscription)
      if (to !== undefined) this.events.news({ to, subscription, difference })
    }
    const said = JSON.stringify(this.#status())
    if (said !== this.#said) this.events.news({ to: null, status: JSON.parse(said) as Status })
    this.#said = said
    const ended = performance.now()
    this.#nextLook = ended + Math.min(RESTS * (ended - began), REST_AT_MOST_MS)
  }

  /** As `changed`, for what comes from the server: live queries are run again in a part of the time only. */
  #changedSoon(): void {
    if (this.#look !== undefined) return
    const wait = this.#nextLook - performance.now()
    if (wait <= 0) return this.changed()
    this.#look = setTimeout(() => {
      this.#look = undefined
      this.changed()
    }, wait)
  }

  #status(): Status {
    const { storage } = this
    return { ...(this.#call('status', {}) as Status), ...this.#linked, problem: this.#problem, storage }
  }

  /** Tells the status to everybody, or to a tab that has just begun, whatever was told before. */
  tellAll(): void { this.events.news({ to: null, status: this.#status() }) }
  tellTo(tab: string): void { if (!this.erased) this.events.news({ to: tab, status: this.#status() }) }

  /** Fills the tables anew after an update, between other work. */
  #rebuild(): void {
    if (this.erased || this.#dead) return
    if (this.#call('rebuild', { most: REBUILT_AT_ONCE }) === null) return
    this.changed()
    setTimeout(() => this.#rebuild(), 1)
  }
}

const ERASED = 'everything was taken off this device'
