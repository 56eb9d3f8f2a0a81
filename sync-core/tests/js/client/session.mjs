// One session with a server: hello, then pushes up and the feed down, until both ends have everything.
import WebSocket from 'ws'
import { READS } from './frames.mjs'
import { fromFrame, hex, idBytes, idText, toFrame } from './messages.mjs'

export class Goodbye extends Error {
  constructor({ code, sentence, retry_after_ms }) {
    super(`${code}: ${sentence}`)
    Object.assign(this, { code, retryAfterMs: retry_after_ms })
  }
}

/** The server owes every answer within a minute. */
const PATIENCE_MS = 60_000

export class Session {
  #pushes = 0
  #asks = 0
  /** Pushes that wait for verdicts, and questions that wait for answers, by number. */
  #pushed = new Set()
  #asked = new Map()
  #fetches = 0
  #answered = 0
  #live = false
  #head = 0
  #anew = false
  #waiting = []
  /** Records that were asked for, and those that came whole. */
  #asking = []
  #came = new Set()
  /** Items taken in. */
  taken = 0

  constructor(store, say = () => {}) {
    this.store = store
    this.say = say
  }

  /** Signs in; comes back with the welcome. */
  async connect(url, token) {
    const { store } = this
    this.socket = new WebSocket(url, { perMessageDeflate: false })
    this.socket.on('message', (data) => this.#heard(data))
    this.socket.on('error', (error) => this.#end(error))
    this.socket.on('close', () => this.#end(new Error('the server closed')))
    await new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.once('error', reject)
    })
    this.#send('hello', {
      protocol: 1,
      protocol_min: 1,
      token,
      replica: idBytes(store.replica),
      app: 'reference client',
      cursor: store.cursor,
      reads: READS.length > 0 ? READS : undefined,
    })
    await this.#until(() => this.welcome)
    this.keepAlive = setInterval(() => this.#send('ping', {}), 15_000)
    return this.welcome
  }

  /** Pushes everything, and comes back when the store is up to date. */
  async sync() {
    this.#push()
    await this.#until(() => this.#upToDate())
  }

  /** Asks what would become of groups: a code, `accepted`, or null for what nobody knows. */
  async ask(groups) {
    const ask = (this.#asks += 1)
    this.#asked.set(ask, null)
    this.#send('ask', { ask, groups })
    await this.#until(() => this.#asked.get(ask))
    const isForm = ['foreign_actor', 'missing_dependency', 'sequence_gap', 'op_counter', 'internal', 'malformed']
    const meant = ({ would_be: said }) => {
      const code = said === 'accepted' ? said : said?.refused?.code
      return isForm.includes(code) ? null : (code ?? null)
    }
    return this.#asked.get(ask).map(meant)
  }

  close() {
    this.closing = true
    clearInterval(this.keepAlive)
    this.store.disconnected()
    return new Promise((resolve) => {
      this.socket.once('close', resolve)
      this.socket.close()
    })
  }

  #upToDate() {
    const { store } = this
    // What the server failed at waits for the next session.
    const sent = store.outbox.every((group) => group.sent) && this.#pushed.size === 0
    const past = this.#head >= (this.acceptedTo ?? 0)
    return sent && this.#live && past && this.#answered === this.#fetches && store.wanted.size === 0
  }

  #push() {
    const { push_window, changes_per_push, changes_per_group } = this.welcome.limits
    while (this.#pushed.size < push_window) {
      const groups = this.store.unsent(Math.floor(changes_per_push / changes_per_group))
      if (groups.length === 0) return
      const push = (this.#pushes += 1)
      this.#pushed.add(push)
      this.#send('push', { push, groups })
    }
  }

  #heard(data) {
    const { name, body } = fromFrame(data)
    if (name === 'welcome') this.#welcomed(body)
    else if (name === 'verdicts') this.#verdicts(body)
    else if (name === 'answer') this.#asked.set(body.ask, body.opinions)
    else if (name === 'feed') this.#feed(body)
    else if (name === 'goodbye') this.#end(new Goodbye(body))
    // Anything else is pong, or a message of a newer server.
    for (const look of this.#waiting) look()
  }

  /** At once, since the first batch comes right behind it. */
  #welcomed(welcome) {
    if (idText(welcome.user) !== this.store.user) return this.#end(new Error('somebody else signed in'))
    this.welcome = welcome
    this.store.epoch = welcome.epoch
    this.#live = welcome.live
  }

  #verdicts({ push, verdicts }) {
    this.#pushed.delete(push)
    const refusals = []
    for (const { hash, accepted, refused } of verdicts) {
      if (refused) refusals.push({ hash: hex(hash), refusal: refused })
      else {
        this.store.accepted(hex(hash))
        this.acceptedTo = Math.max(this.acceptedTo ?? 0, accepted)
      }
      this.say(refused ? `refused: ${refused.code} ${refused.policy ?? ''}`.trimEnd() : 'accepted')
    }
    if (refusals.length > 0) this.store.refused(refusals)
    this.#fetch()
    this.#push()
  }

  #feed(batch) {
    this.store.take(batch)
    this.taken += batch.items?.length ?? 0
    for (const item of batch.items ?? []) if (item.snapshot) this.#came.add(idText(item.record))
    for (const { reason } of batch.evict ?? []) this.say(`evicted: ${reason}`)
    this.#anew ||= batch.anew ?? false
    this.#live = batch.live ?? false
    this.#head = batch.head ?? 0
    this.#answered = batch.fetches ?? 0
    this.#send('feed_ack', { batches: 1 })
    if (this.#live && this.#answered === this.#fetches) {
      // What was asked for and did not come is not this user's to see.
      for (const record of this.#asking.splice(0)) {
        if (!this.#came.has(record)) this.store.records.delete(record)
        this.store.arrived(record)
      }
    }
    if (!this.#anew || this.#live) this.#fetch()
    if (this.#live) this.#anew = false
  }

  #fetch() {
    const records = [...this.store.wanted]
    if (records.length === 0) return
    this.store.wanted.clear()
    for (const record of records) this.#came.delete(record)
    this.#asking.push(...records)
    this.#fetches += 1
    this.#send('fetch', { records: records.map(idBytes) })
  }

  #send(name, body) {
    this.socket.send(toFrame(name, body))
  }

  #end(error) {
    if (this.closing) return
    this.broken ??= error
    if (error.code === 'disabled') this.store.eraseEverything()
    clearInterval(this.keepAlive)
    this.store.disconnected()
    for (const look of this.#waiting) look()
  }

  #until(isTrue) {
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(late)
        this.#waiting = this.#waiting.filter((one) => one !== look)
        settle(value)
      }
      const look = () => {
        if (this.broken) done(reject, this.broken)
        else if (isTrue()) done(resolve)
      }
      const late = setTimeout(() => done(reject, new Error('the server owes an answer')), PATIENCE_MS)
      this.#waiting.push(look)
      look()
    })
  }
}
