// What a page holds: it asks its worker, and is told what changes.
import type { BroughtBack, Conflict, Duplicate, DuplicateQuery, Edit, HistoryEntry, Refused, ReportInfo, Rescue, RescuePreview, Rows, SearchHit, Undone } from './answers.js'
import { PantryError, failureOf } from './errors.js'
import { Collection } from './collection.js'
import { newId } from './ids.js'
import { Line } from './line.js'
import { mark, marked, unmark } from './marks.js'
import type { Beginning, Status, ToPage } from './messages.js'
import type { Problem } from './problem.js'
import type { Notice } from './notices.js'
import { KINDS, type Collections } from './records.js'
import { persist, storageState, type StorageState } from './storage.js'
import { subject } from './subject.js'
import { Transaction } from './transaction.js'
import { Wakes } from './wakes.js'
import { Watches } from './watches.js'

type Listener<T> = (value: T) => void

const words = async (file: Blob | string): Promise<string> => (typeof file === 'string' ? file : file.text())

/** A user's records on this device; by kind as `replica.organizations` and the like. */
export interface Replica extends Collections {}
export class Replica {
  readonly #line: Line
  readonly #name: string
  readonly #token: (() => Promise<string | null>) | undefined
  readonly #watches = new Watches(() => this.#line)
  readonly #wakes = new Wakes((wake) => this.#line.post({ wake }))
  readonly #statusListeners = new Set<Listener<Status>>()
  readonly #noticeListeners = new Set<Listener<Notice>>()
  #status: Status | null = null
  #owns = false
  #mode: 'opfs' | 'memory' = 'opfs'
  #persist: Promise<boolean | null> | null = null
  #problem: Problem | null = null
  #replicaId: string | null = null
  #unsentNoted: number | null = null

  /** @internal */
  constructor(spawn: () => Worker, beginning: Beginning, token: (() => Promise<string | null>) | undefined, onNotice?: Listener<Notice>) {
    this.#name = beginning.name
    this.#token = token
    if (onNotice) this.#noticeListeners.add(onNotice)
    for (const [name, kind] of Object.entries(KINDS)) Object.assign(this, { [name]: new Collection(this, kind) })
    this.#line = new Line(spawn, beginning, {
      told: (message) => this.#told(message),
      problem: (problem) => this.#setProblem(problem),
      restarted: (because) => this.#notice({ type: 'restarted', because }),
      closed: (error) => this.#closed(error),
    })
    this.#wakes.listen(true)
  }

  /** @internal */
  async begin(): Promise<this> {
    const { replica } = (await this.call('about', {})) as { replica: string }
    this.#replicaId = replica
    const before = this.#mode === 'opfs' ? marked(this.#name) : null
    if (before && before.replica !== replica) {
      const lost = before.unsent === 0 ? 'nothing that was made here is lost' : `${before.unsent === 1 ? 'one edit that was' : `${before.unsent} edits that were`} not sent may be lost`
      this.#notice({ type: 'wiped', unsent: before.unsent, because: `the browser deleted the records that it kept for this app; they are fetched again, and ${lost}` })
    }
    if (this.#status) this.#note(this.#status)
    return this
  }

  /** The worker; tests end it. @internal */
  get worker(): Worker { return this.#line.worker }

  /** How the replica stood when it was last told; null at first. */
  get status(): Status | null { return this.#status && { ...this.#status, problem: this.#problem ?? this.#status.problem } }
  /** What keeps the replica from working as it should, also before there is a status; null when nothing does. */
  get problem(): Problem | null { return this.#problem ?? this.#status?.problem ?? null }
  /** Whether this tab has the database; another one answers otherwise. */
  get owns(): boolean { return this.#owns }

  /** Makes a group of edits, all or none; resolves with the ids once they are durable. */
  async commit(edits: Edit[]): Promise<string[]> {
    // Named here, so that a group whose answer was lost with its worker is not made twice.
    const named = edits.map((edit) => ('create' in edit ? { create: { id: newId(), ...edit.create } } : edit))
    const { ids } = (await this.call('commit', { group: newId(), edits: named })) as { ids: string[] }
    // Now there is something to lose; before, a browser that asks its user would ask for nothing.
    if (this.#mode === 'opfs') this.#persist ??= persist()
    return ids
  }
  /** Collects edits and makes them together, all or none; resolves with what `work` gave, once they are durable.
   *  When `work` fails nothing was made. What it reads meanwhile is as it was before. */
  async transaction<T>(work: (tx: Transaction) => T | Promise<T>): Promise<T> {
    const tx = new Transaction()
    let value: T
    try {
      value = await work(tx)
    } finally {
      tx.end()
    }
    const edits = tx.end()
    if (edits.length > 0) await this.commit(edits)
    return value
  }
  /** Begins a record; resolves with its id. */
  async create(kind: string, set: Record<string, unknown>): Promise<string> {
    return (await this.commit([{ create: { kind, set } }]))[0] as string
  }
  /** Changes a record. */
  async update(id: string, set: Record<string, unknown>): Promise<void> { await this.commit([{ update: { id, set } }]) }
  /** Deletes a record; `restore` takes that back. */
  async delete(id: string): Promise<void> { await this.commit([{ delete: { id } }]) }
  /** Takes a deletion back. */
  async restore(id: string): Promise<void> { await this.commit([{ restore: { id } }]) }

  /** A record with its conflicts; null when it is not on this device. */
  get(id: string): Promise<{ kind: string; record: Record<string, unknown>; conflicts: Conflict[] } | null> {
    return this.call('get', { id }) as never
  }
  /** The records of a kind, newest first; `filter` is a condition in SQL. */
  list(kind: string, options: { filter?: string; deleted?: boolean; limit?: number } = {}): Promise<Rows> {
    return this.call('list', { kind, ...options }) as Promise<Rows>
  }
  /** Answers SQL that reads, with a value for each `?`. */
  query(sql: string, params: readonly unknown[] = []): Promise<Rows> {
    return this.call('query', { sql, params }) as Promise<Rows>
  }
  /**
   * Finds records by the words in their names, titles, notes and e-mail addresses, each of which may be begun only,
   * and by digits of their telephone numbers, four in a row or more, written in any way.
   */
  search(text: string, most = 20): Promise<SearchHit[]> {
    return this.call('search', { text, most }) as Promise<SearchHit[]>
  }
  /**
   * Accounts on this device that may be the same as one that is about to be made, the likeliest first: by name,
   * telephone number or position. A hint and no more: chains have branches of one name.
   */
  duplicates(of: DuplicateQuery): Promise<Duplicate[]> { return this.call('duplicates', of) as Promise<Duplicate[]> }
  /** Every field that several people gave different values at once, with who said what and what they started from. */
  conflicts(): Promise<Conflict[]> { return this.call('conflicts', {}) as Promise<Conflict[]> }
  /**
   * Settles a contested field by giving it a value: one of those it was given, or another. A contested deletion
   * (`is_deleted`) is settled by `true`, which deletes for good, or `false`, which restores. Fails with code
   * `nothing_to_do` when the field is not contested any more.
   */
  async settle(id: string, field: string, value: unknown): Promise<void> { await this.call('settle', { id, field, value }) }
  /**
   * What became of a record, newest first: each change with who made it and when, and what its fields said
   * before and after. Refused changes stand among them. `most` is how many are told, 200 unless given.
   */
  history(id: string, most?: number): Promise<HistoryEntry[]> {
    return this.call('history', { id, most }) as Promise<HistoryEntry[]>
  }
  /**
   * Undoes a change of a record by a new edit, for the fields that still say what the change wrote; the others
   * are named and left. Fails with code `nothing_to_do` when nothing of it is left to undo.
   */
  undo(id: string, change: string): Promise<Undone> { return this.call('undo', { id, change }) as Promise<Undone> }
  /** The reports that can be asked for, with what each tells. */
  reports(): Promise<ReportInfo[]> { return this.call('reports', {}) as Promise<ReportInfo[]> }
  /**
   * The rows of a report over the records that are here: the same statement that the server runs; REPORTS.md says
   * what its columns mean. What a device cannot know, such as when other people last synced, is null.
   */
  report(name: string): Promise<Rows> { return this.call('report', { name }) as Promise<Rows> }
  /** A report as CSV, in which no spreadsheet finds a formula. */
  reportCsv(name: string): Promise<string> { return this.call('report_csv', { name }) as Promise<string> }
  /** Edits that the server refused. */
  quarantine(): Promise<Refused[]> { return this.call('quarantine', {}) as Promise<Refused[]> }
  /** Makes a refused edit again, with corrections. */
  async resubmit(hash: string, set: Record<string, unknown> = {}): Promise<void> { await this.call('resubmit', { hash, set }) }
  /** Throws a refused edit away; whether there was one. */
  discard(hash: string): Promise<boolean> { return this.call('discard', { hash }) as Promise<boolean> }
  /** Whether the server would refuse these edits: `accepted`, `{ refused }` or `{ unknown }`. */
  wouldBe(edits: Edit[], withinMs = 3000): Promise<unknown> { return this.call('would_be', { edits, withinMs }) }
  /** Sends and receives everything; resolves when that is done, or with why it could not be. */
  sync(): Promise<unknown> { return this.call('sync', {}) }

  /** Tries the server again at once, and asks for a token: after a sign-in, or because a person wants it. */
  async reconnect(): Promise<void> { await this.call('reconnect', {}) }

  /** Where records are kept on this device, and how safe they are there. */
  async storage(): Promise<StorageState> {
    await this.#persist
    return storageState(this.#mode)
  }
  /** Asks the browser not to delete what is kept here; by itself this is asked once something was edited. */
  async persist(): Promise<boolean> { return (await (this.#persist = persist())) ?? false }
  /** Unsent and refused edits as a file, for a person to keep. They stay here as well. */
  async exportRescue(): Promise<Rescue> {
    const { text, edits, unreadable } = (await this.call('rescue', {})) as { text: string; edits: number; unreadable: number | null }
    return { file: new Blob([text], { type: 'application/jsonl' }), edits, unreadable }
  }
  /** What `importRescue` would do with such a file, which may be anybody's making. Nothing is written. */
  async previewRescue(file: Blob | string): Promise<RescuePreview> {
    const text = await words(file)
    return (await this.call('preview_bring_back', { text })) as RescuePreview
  }
  /** Puts the edits of such a file back, to be sent in this user's name: show them `previewRescue` before. An edit
   *  that is here or on the server is not made twice. What they build on may still have to come from the server:
   *  sync first. */
  async importRescue(file: Blob | string): Promise<BroughtBack> {
    const text = await words(file)
    return (await this.call('bring_back', { text })) as BroughtBack
  }
  /** Takes everything of this user off the device, in all tabs, and closes the replica. As long as edits are
   *  unsent it fails with `unsent`, unless told that they may be lost. */
  async erase({ evenUnsent = false }: { evenUnsent?: boolean } = {}): Promise<void> {
    await this.call('erase', { evenUnsent })
  }

  /** The rows of a query now, and again whenever they change, until the signal aborts. */
  watch(sql: string, params: readonly unknown[] = [], signal?: AbortSignal): AsyncGenerator<Rows> {
    return this.watchCall({ sql, params }, signal)
  }

  /** @internal */
  watchCall(query: object, signal?: AbortSignal): AsyncGenerator<Rows> { return this.#watches.watch(query, signal) }

  /** Is told the status now and whenever it changes; returns what ends that. */
  onStatus(listener: Listener<Status>): () => void {
    this.#statusListeners.add(listener)
    if (this.status) listener(this.status)
    return () => this.#statusListeners.delete(listener)
  }
  /** Is told of what a user may want to know: grants, evictions, refusals, failures. */
  onNotice(listener: Listener<Notice>): () => void {
    this.#noticeListeners.add(listener)
    return () => this.#noticeListeners.delete(listener)
  }

  /** Lets go of the database; another tab may have it then. */
  close(): Promise<void> { return this.#line.close() }

  /** Asks the owner of the database. @internal */
  call(call: string, args: unknown): Promise<unknown> { return this.#line.ask(call, args) }

  #told(message: ToPage): void {
    if ('news' in message) {
      const { news } = message
      if ('difference' in news) {
        this.#watches.take(news)
      } else if ('status' in news) {
        this.#status = news.status
        this.#note(news.status)
        this.#tellStatus()
      } else this.#notice(news.notice)
    } else if ('fetchToken' in message) void this.#fetchToken()
    else if ('needUser' in message) void this.#giveUser()
    else if ('erased' in message) {
      // What is still told of the records that are gone is noted no more.
      this.#replicaId = null
      unmark(this.#name)
      this.#line.fail(new PantryError('erased', 'everything was taken off this device'))
      // Later, so that what its worker says to other tabs is heard.
      setTimeout(() => this.worker.terminate(), 1000)
    } else if ('state' in message) {
      this.#owns = message.state === 'owner'
      this.#mode = message.storage
      this.#watches.end()
    }
  }

  #setProblem(problem: Problem | null): void {
    if (problem?.code === this.#problem?.code) return
    this.#problem = problem
    if (problem) this.#notice({ type: 'problem', code: problem.code, because: problem.message })
    this.#tellStatus()
  }

  #tellStatus(): void {
    const { status } = this
    if (status) this.#statusListeners.forEach((listener) => listener(status))
  }

  #notice(notice: Notice): void { this.#noticeListeners.forEach((listener) => listener(notice)) }

  /** Leaves word outside of the database, so that its loss is noticed. */
  #note({ unsent, storage }: Status): void {
    if (this.#replicaId === null || storage === 'memory' || unsent === this.#unsentNoted) return
    this.#unsentNoted = unsent
    mark(this.#name, this.#replicaId, unsent)
  }

  async #fetchToken(): Promise<void> {
    try {
      const token = await this.#token?.()
      if (!token) throw new PantryError('no_token', 'nobody is signed in')
      this.#line.post({ token: { value: token } })
    } catch (error) {
      this.#line.post({ token: { failure: failureOf(error) } })
    }
  }

  async #giveUser(): Promise<void> {
    const token = await this.#token?.().catch(() => null)
    this.#line.post({ user: token ? subject(token) : null })
  }

  #closed(_: PantryError): void {
    this.#watches.end()
    this.#wakes.listen(false)
  }
}
