// A tab as its worker sees it. Of all tabs one has the database, whoever holds the lock; the others pass their
// page's questions on to it, and wait for the lock.
import { BUILD } from './build.js'
import { PantryError, failureOf } from './errors.js'
import type { Answer, Beginning, News, Request, Spoken, ToPage, ToWorker, Who } from './messages.js'
import { Owner } from './owner.js'
import { inParts } from './parts.js'
import { NEWER, SILENT, type Problem } from './problem.js'

const TICK_MS = 1000
/** An owner of which nothing was heard for so long is asked for a sign of life. */
const QUIET_MS = 5000
/** So long it may take with that before whoever waits is told. */
const ANSWER_WITHIN_MS = 2500
/** A tick that comes so late comes after a sleep. */
const SLEPT_MS = 15_000

const LACKING = 'this browser, or this mode of it, has no file system for the app'
const lockOf = (name: string) => `kitchen-pantry:${name}`
const presenceOf = (name: string, tab: string) => `kitchen-pantry:${name}:${tab}`

export class Tab {
  readonly #me = crypto.randomUUID()
  readonly #who: Who = { tab: this.#me, build: BUILD }
  readonly #queue = new AbortController()
  readonly #waiting = new Map<string, Request & { since: number }>()
  readonly #watched = new Set<string>()
  #name = ''
  #owner: Owner | null = null
  /** Whether this tab has the lock, be it that it is still opening. */
  #holds = false
  /** None where every tab has a database of its own, in memory. */
  #channel: BroadcastChannel | null = null
  #letGo: () => void = () => {}
  #giveUser: (user: string | null) => void = () => {}
  /** Of the newest owner that was heard. */
  #term = 0
  #heardAt = performance.now()
  #askedAt: number | null = null
  #rungAt = -Infinity
  #problem: Problem | null = null
  /** A newer build has been heard: this one opens the database no more. */
  #outdated = false

  constructor(readonly post: (message: ToPage) => void) {}

  /** Tells the page: what has many rows in parts, since a page does nothing else while it takes a message in. */
  page(message: ToPage): void { inParts(message).forEach((part) => this.post(part)) }

  /** What the page says. */
  hear(message: ToWorker): void {
    if ('begin' in message) this.#begin(message.begin)
    else if ('request' in message) {
      const request = { ...message.request, from: this.#me, since: performance.now() }
      this.#waiting.set(request.id, request)
      if (this.#owner) void this.#answer(request)
      else this.#speak({ request })
    } else if ('token' in message) {
      const { token } = message
      this.#owner?.token('value' in token ? { Ok: token.value } : { Err: { [token.failure.code === 'no_token' ? 'no_token' : 'token_unavailable']: token.failure.message } })
    } else if ('user' in message) this.#giveUser(message.user)
    else if ('wake' in message) this.#woke(message.wake)
    else if ('close' in message) this.#close()
  }

  #begin(beginning: Beginning): void {
    const { name, storage } = beginning
    this.#name = name
    const { locks, storage: files } = globalThis.navigator ?? {}
    const lacking = !locks || !files?.getDirectory
    if (lacking && storage === 'opfs') return this.#failed(new PantryError('no_storage', LACKING))
    this.#tickOn()
    if (storage === 'memory' || lacking) {
      this.#own({ ...beginning, storage: 'memory' })
        .then(() => { if (lacking && storage === 'auto') this.#owner?.tell({ type: 'memory', because: LACKING }) })
        .catch((error) => this.#failed(error))
      return
    }
    this.#channel = new BroadcastChannel(lockOf(name))
    this.#channel.onmessage = ({ data }) => this.#heard(data as Spoken)
    // As long as this is held, the tab is there.
    void navigator.locks.request(presenceOf(name, this.#me), () => new Promise(() => {}))
    this.page({ state: 'waiting', storage: 'opfs' })
    this.#speak({ hello: this.#who })
    // Queued and never stolen: whoever has it may be in the middle of a write.
    navigator.locks
      .request(lockOf(name), { signal: this.#queue.signal }, () => this.#hold(beginning))
      .catch((error) => { if (!this.#queue.signal.aborted) this.#failed(error) })
  }

  async #hold(beginning: Beginning): Promise<void> {
    if (this.#outdated) return
    this.#holds = true
    this.#setProblem(null)
    this.#speak({ owner: this.#who, term: null, fresh: false })
    try {
      const over = new Promise<void>((resolve) => { this.#letGo = resolve })
      await this.#own(beginning)
      // Nobody else can use what is in this worker's memory, and the next one finds out by itself.
      if (this.#owner?.storage !== 'memory') await over
      else return
    } finally {
      this.#holds = this.#owner?.storage === 'memory'
      if (!this.#holds) {
        this.#owner?.close()
        this.#owner = null
      }
    }
    this.page({ state: this.#outdated ? 'waiting' : 'closed', storage: 'opfs' })
  }

  #failed(error: unknown): void { this.page({ failed: failureOf(error) }) }

  async #own(beginning: Beginning): Promise<void> {
    this.page({ state: 'opening', storage: 'opfs' })
    this.#owner = await Owner.open(beginning, {
      news: (news) => this.#news(news),
      fetchToken: () => this.page({ fetchToken: true }),
      user: () => this.#askForUser(),
      // Later, so that the answer to whoever asked goes first.
      crashed: (message, during) => void setTimeout(() => this.page({ crashed: { message, during } }), 0),
    })
    this.#term = this.#owner.term
    this.page({ state: 'owner', storage: this.#owner.storage })
    if (this.#owner.storage === 'memory') {
      this.#channel?.close()
      this.#channel = null
    }
    this.#setProblem(null)
    this.#owner.tellAll()
    this.#speak({ owner: this.#who, term: this.#term, fresh: true })
    for (const request of [...this.#waiting.values()]) await this.#answer(request)
  }

  #askForUser(): Promise<string | null> {
    return new Promise((resolve) => {
      this.#giveUser = resolve
      this.page({ needUser: true })
    })
  }

  #news(news: News): void {
    if (news.to === null || news.to === this.#me) this.page({ news })
    if (news.to !== this.#me) this.#speak({ news, term: this.#term })
  }

  #speak(spoken: Spoken): void { this.#channel?.postMessage(spoken) }

  /** What other tabs say. Words of a build that has others are passed over. */
  #heard(spoken: Spoken): void {
    if ('request' in spoken) this.#asked(spoken.request)
    else if ('answer' in spoken) {
      if (this.#isOwners(spoken.term) && spoken.answer.to === this.#me) this.#tell(spoken.answer)
    } else if ('news' in spoken) {
      const { news, term } = spoken
      if (this.#isOwners(term) && (news.to === null || news.to === this.#me)) this.page({ news })
    } else if ('hello' in spoken) {
      this.#meet(spoken.hello)
      if (this.#holds) this.#speak({ owner: this.#who, term: this.#owner?.term ?? null, fresh: false })
      this.#owner?.tellTo(spoken.hello.tab)
    } else if ('owner' in spoken) this.#heardOwner(spoken)
    else if ('yield' in spoken) this.#meet(spoken.yield)
    else if ('erased' in spoken) {
      this.#queue.abort()
      this.page({ erased: true })
    }
  }

  #asked(request: Request): void {
    const owner = this.#owner
    if (!owner) return
    this.#watch(request.from)
    void owner.answer(request).then((answer) => {
      this.#speak({ answer, term: owner.term })
      this.#endIfErased()
    })
  }

  #heardOwner({ owner, term, fresh }: { owner: Who; term: number | null; fresh: boolean }): void {
    if (term !== null && !this.#isOwners(term)) return
    this.#alive()
    this.#meet(owner)
    if (owner.build < BUILD) this.#speak({ yield: this.#who })
    if (!fresh) return
    // A new owner has heard nothing of what an old one was asked.
    for (const request of this.#waiting.values()) this.#speak({ request })
    this.page({ state: 'waiting', storage: 'opfs' })
  }

  /** Whether this is said by the newest owner there was. */
  #isOwners(term: number): boolean {
    if (term < this.#term) return false
    this.#term = term
    this.#alive()
    return true
  }

  #alive(): void {
    this.#heardAt = performance.now()
    this.#askedAt = null
    if (this.#problem?.code === 'owner_silent') this.#setProblem(null)
  }

  /** Another tab is of a newer build: old code does not go on with what newer code writes. */
  #meet({ build }: Who): void {
    if (build <= BUILD || this.#outdated) return
    this.#outdated = true
    this.#setProblem(NEWER)
    this.#queue.abort()
    this.#letGo()
  }

  #setProblem(problem: Problem | null): void {
    const next = problem ?? (this.#outdated ? NEWER : null)
    if (next?.code === this.#problem?.code) return
    this.#problem = next
    this.page({ problem: next })
  }

  #tickOn(): void {
    let last = Date.now()
    setInterval(() => {
      const now = Date.now()
      if (Math.abs(now - last - TICK_MS) > SLEPT_MS) this.#woke('shown')
      last = now
      if (this.#owner) void this.#owner.tick()
      else if (!this.#holds) this.#listen()
    }, TICK_MS)
  }

  /** Asks for a sign of life of an owner that says nothing, and says so when there is none. */
  #listen(): void {
    const now = performance.now()
    const oldest = Math.min(now, ...[...this.#waiting.values()].map(({ since }) => since))
    if (this.#askedAt === null) {
      if (now - oldest < TICK_MS && now - this.#heardAt < QUIET_MS) return
      this.#askedAt = now
      this.#rungAt = -Infinity
    }
    this.#speak({ hello: this.#who })
    if (!this.#outdated && now - this.#rungAt > QUIET_MS) this.#ring(now)
    if (now - this.#askedAt < ANSWER_WITHIN_MS) return
    if (!this.#outdated) return this.#setProblem(SILENT)
    for (const { id } of this.#waiting.values()) this.#tell({ id, to: this.#me, failure: { code: 'other_version', message: NEWER.message } })
  }

  /**
   * Asks for the lock once more, and takes that back: a page that somebody left by a link keeps its lock in the
   * browser's cache of pages, and only a request that is made after it was left takes it out of there.
   */
  #ring(now: number): void {
    this.#rungAt = now
    const rung = new AbortController()
    navigator.locks.request(lockOf(this.#name), { signal: rung.signal }, () => {}).catch(() => {})
    setTimeout(() => rung.abort(), TICK_MS)
  }

  #woke(wake: 'online' | 'offline' | 'shown'): void {
    if (wake === 'offline') this.#owner?.dropLine('the device has no network')
    else {
      if (wake === 'shown') this.#owner?.dropLine('the device slept')
      this.#owner?.tryAgain()
    }
  }

  /** Waits for the lock that a tab holds as long as it is there. */
  #watch(tab: string): void {
    if (tab === this.#me || this.#watched.has(tab)) return
    this.#watched.add(tab)
    void navigator.locks.request(presenceOf(this.#name, tab), () => {
      this.#watched.delete(tab)
      this.#owner?.forget(tab)
    })
  }

  async #answer(request: Request): Promise<void> {
    if (!this.#owner) return
    this.#tell(await this.#owner.answer(request))
    this.#endIfErased()
  }

  /** Nobody has anything to ask any more, here or in another tab. */
  #endIfErased(): void {
    if (!this.#owner?.erased) return
    this.#speak({ erased: true })
    this.page({ erased: true })
    this.#letGo()
  }

  #tell(answer: Answer): void {
    if (this.#waiting.delete(answer.id)) this.page({ answer })
  }

  #close(): void {
    this.#queue.abort()
    if (!this.#holds) return this.page({ state: 'closed', storage: 'opfs' })
    this.#letGo()
    if (!this.#channel) this.page({ state: 'closed', storage: 'memory' })
  }
}
