// Edits that are made together, all or none.
import { PantryError } from './errors.js'
import { newId } from './ids.js'
import { KINDS, MAPS, type DocumentKind, type Edits } from './records.js'
import type { Edit } from './answers.js'

type Values = Record<string, unknown>

/** The edits of one kind within a transaction. Nothing is made before the transaction's end. */
export class TransactionCollection<New, Change> {
  /** @internal */
  constructor(private readonly transaction: Transaction, private readonly kind: string) {}

  /** Begins a record, and gives its id. */
  create(set: New): string { return this.transaction.create(this.kind as DocumentKind, set as Values) }
  /** Changes a record: a value for each field that changes, `null` to clear one. */
  update(id: string, set: Change): void { this.transaction.update(id, set as Values) }
  /** Deletes a record; `restore` takes that back. */
  delete(id: string): void { this.transaction.delete(id) }
  /** Takes a deletion back. */
  restore(id: string): void { this.transaction.restore(id) }
}

/** What a transaction collects: by kind as `tx.organizations` and the like. */
export interface Transaction extends Edits {}
export class Transaction {
  readonly #edits: Edit[] = []
  /** What each record is to hold, so that one which is edited twice is changed once. */
  readonly #sets = new Map<string, Values>()
  #over = false

  /** @internal */
  constructor() {
    for (const [name, kind] of Object.entries(KINDS)) Object.assign(this, { [name]: new TransactionCollection(this, kind) })
  }

  /** Begins a record, and gives its id. */
  create(kind: DocumentKind, set: Values): string {
    const id = newId()
    this.#add({ create: { kind, id, set: this.#keep(id, set) } })
    return id
  }
  /** Changes a record. */
  update(id: string, set: Values): void {
    const before = this.#sets.get(id)
    if (!before) return this.#add({ update: { id, set: this.#keep(id, set) } })
    this.#check()
    for (const [field, value] of Object.entries(set)) before[field] = field in before ? both(field, before[field], value) : value
  }
  /** Deletes a record. */
  delete(id: string): void { this.#add({ delete: { id } }) }
  /** Takes a deletion back. */
  restore(id: string): void { this.#add({ restore: { id } }) }

  /** @internal */
  end(): Edit[] {
    this.#over = true
    return this.#edits
  }

  #keep(id: string, set: Values): Values {
    const kept = { ...set }
    this.#sets.set(id, kept)
    return kept
  }

  #add(edit: Edit): void {
    this.#check()
    this.#edits.push(edit)
  }

  #check(): void {
    if (this.#over) throw new PantryError('bad_call', 'the transaction is over; await what it waits for within it')
  }
}

/** One value for a field that was given two after each other. */
function both(field: string, before: unknown, after: unknown): unknown {
  const isObject = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value)
  if (MAPS.includes(field) && isObject(before) && isObject(after)) return { ...before, ...after }
  if (!isObject(after) || !('add' in after || 'remove' in after)) return after
  const { add = [], remove = [] } = after as { add?: string[]; remove?: string[] }
  if (Array.isArray(before)) return [...new Set([...before, ...add])].filter((key) => !remove.includes(key as string))
  const first = (before ?? {}) as { add?: string[]; remove?: string[] }
  return {
    add: [...new Set([...(first.add ?? []), ...add])].filter((key) => !remove.includes(key)),
    remove: [...new Set([...(first.remove ?? []), ...remove])].filter((key) => !add.includes(key)),
  }
}
