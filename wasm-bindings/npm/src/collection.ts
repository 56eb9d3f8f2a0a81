// The records of one kind, typed.
import type { Conflict } from './answers.js'
import type { Replica } from './replica.js'
import { Objects } from './rows.js'

/** Which records are listed: a condition in SQL over the kind's columns, and how many at most. */
export interface ListOptions { filter?: string; deleted?: boolean; limit?: number }

/** Records of a kind that the server writes. */
export class Readable<Row> {
  /** @internal */
  constructor(protected readonly replica: Replica, readonly kind: string) {}

  /** A record; null when it is not on this device. */
  async get(id: string): Promise<Row | null> {
    const [row] = await this.list({ filter: `id = '${id.replaceAll("'", "''")}'`, deleted: true, limit: 1 })
    return row ?? null
  }
  /** The records, newest first. */
  async list(options: ListOptions = {}): Promise<Row[]> {
    return new Objects<Row>().of(await this.replica.list(this.kind, options))
  }
  /** The records now, and again whenever they change, until the signal aborts. */
  async *watch(options: ListOptions = {}, signal?: AbortSignal): AsyncGenerator<Row[]> {
    const objects = new Objects<Row>()
    for await (const rows of this.replica.watchCall({ kind: this.kind, ...options }, signal)) yield objects.of(rows)
  }
}

/** Records of a kind that are edited here. */
export class Collection<Row, New, Edit> extends Readable<Row> {
  /** Begins a record; resolves with its id once it is durable. */
  create(set: New): Promise<string> { return this.replica.create(this.kind, set as Record<string, unknown>) }
  /** Changes a record: a value for each field that changes, `null` to clear one. */
  update(id: string, set: Edit): Promise<void> { return this.replica.update(id, set as Record<string, unknown>) }
  /** Deletes a record; `restore` takes that back. */
  delete(id: string): Promise<void> { return this.replica.delete(id) }
  /** Takes a deletion back. */
  restore(id: string): Promise<void> { return this.replica.restore(id) }
  /** The fields of a record that several people gave different values at once; the first value of each is shown. */
  async conflicts(id: string): Promise<Conflict[]> { return (await this.replica.get(id))?.conflicts ?? [] }
}
