// What a device holds, in memory: what the server has of each record, what waits to be sent on top of
// it, and what was refused. A real client keeps the same in a file, each batch and each edit in one
// transaction.
import * as Automerge from '@automerge/automerge'
import { append, beginning, changesOf, genesis, open, scopeOf, substitute, write } from './documents.mjs'
import { kindOf } from './fields.mjs'
import { idBytes, idText, mintId, randomActor } from './messages.mjs'
import { meaningOf } from './rows.mjs'

/** More is too much for a server at once, however few bytes it takes. */
const OPERATIONS_PER_PUSH = 131_072

/** Who only reads. */
const NOBODY = { actor: '00'.repeat(16), author: '00'.repeat(16) }

/** Refusals that say nothing of the edit, only of the change that carried it. */
const OF_FORM = ['foreign_actor', 'missing_dependency', 'sequence_gap', 'op_counter']

export class Store {
  /** By record: { kind, scope, server }, where `server` is what the server has, as changes. */
  records = new Map()
  /** Rows of the server by kind and id: people and territories. */
  rows = new Map()
  /** Edits in the order in which they were made: { group, seen, items }. */
  outbox = []
  /** What was refused for good: { record, kind, change, refusal }. */
  quarantine = []
  cursor = undefined
  epoch = undefined
  /** The head of the last batch. */
  seen = undefined
  /** Records to be asked for. */
  wanted = new Set()
  /** Refused for their form: made again when their record has come. */
  #waits = []

  constructor(user, replica = mintId(Date.now())) {
    this.user = user
    this.replica = replica
    this.newActor()
  }

  /** Each time the database is opened, and after every refusal. */
  newActor() {
    this.actor = randomActor()
  }

  // Reading

  /** A record's document with what waits on top; null when there is none. */
  document(record, actor = this.actor) {
    const held = this.records.get(record)
    const pending = this.#pendingOf(record)
    if (!held && !pending[0]?.begins) return null
    const server = held?.server ?? [genesis(kindOf(pending[0].kind))]
    const author = this.user.replaceAll('-', '')
    return open([...server, ...pending.map((item) => item.change)], { actor, author })
  }

  /** What a record says; null when it is not here, or of a kind that this client does not know. */
  meaning(record) {
    const kind = kindOf(this.records.get(record)?.kind ?? this.#pendingOf(record)[0]?.kind)
    const doc = kind && this.document(record)
    return doc ? meaningOf(kind, doc) : null
  }

  #pendingOf(record) {
    return this.outbox.flatMap((group) => group.items).filter((item) => item.record === record)
  }

  // Editing

  /** Begins a record; returns its id. `edit` puts its required fields and whatever else. */
  begin(kindName, edit, ms = Date.now()) {
    const record = mintId(ms)
    this.group([{ record, kind: kindName, begins: true, edit }], ms)
    return record
  }

  /** Edits a record. */
  edit(record, edit, ms = Date.now()) {
    this.group([{ record, kind: this.#kindOf(record), begins: false, edit }], ms)
  }

  /** Appends an event to one of its logs. */
  log(record, field, parts, ms = Date.now()) {
    const edit = (doc, mint) => append(doc[field], mint(), { at: ms, by: this.user }, parts)
    this.edit(record, edit, ms)
  }

  /** Several edits that are accepted or refused as one. */
  group(edits, ms = Date.now()) {
    const group = { group: mintId(ms), seen: this.seen, sent: false, items: [] }
    this.outbox.push(group)
    for (const edit of edits) this.#write(group, { ...edit, ms }, this.actor, () => mintId(ms))
    if (group.items.length === 0) this.outbox.pop()
  }

  #write(group, edit, actor, mint) {
    const { record, kind, begins, ms } = edit
    const author = this.user.replaceAll('-', '')
    const doc = begins ? open([genesis(kindOf(kind))], { actor, author }) : this.document(record, actor)
    const rest = (root) => edit.edit(root, mint)
    const written = doc && write(doc, begins ? beginning(record, this.user, ms, rest) : rest, ms)
    if (written) group.items.push({ ...edit, change: written.change, hash: written.hash })
    return written !== null
  }

  #kindOf(record) {
    return this.records.get(record)?.kind ?? this.#pendingOf(record)[0].kind
  }

  // Verdicts

  /** The server took a change. An acceptance does not bring an erased record back. */
  accepted(hash) {
    const item = this.#take(hash)
    if (!item) return
    const { record, kind, begins } = item
    const held = this.records.get(record)
    if (!held && !begins) {
      // Erased before it was sent, and taken all the same: it may have come back since.
      this.wanted.add(record)
      return
    }
    const server = held ? [...held.server, item.change] : [genesis(kindOf(kind)), item.change]
    // A device's own changes are not sent back to it, so that it says itself what they hang from.
    const { row } = meaningOf(kindOf(kind), open(server, NOBODY))
    this.records.set(record, { kind, scope: scopeOf(kind, record, row), server })
  }

  /** The server refused changes: "What a client does with a refusal". */
  refused(refusals) {
    this.newActor()
    const again = []
    for (const { hash, refusal } of refusals) {
      // The server's own failure: it stays where it is until the next session.
      if (refusal.code === 'internal') continue
      const item = this.#take(hash)
      if (!item) continue
      const isOfForm = OF_FORM.includes(refusal.code) && !item.again
      if (refusal.code === 'depends_on_refused' || (isOfForm && refusal.code === 'foreign_actor')) again.push(item)
      else if (isOfForm) {
        this.#waits.push(item)
        this.wanted.add(item.record)
      } else this.quarantine.push({ ...item, refusal })
    }
    for (const item of again) this.#makeAgain(item)
  }

  /** A record was asked for: what waited for it is made again, unless it is in there. */
  arrived(record) {
    const held = this.records.get(record)
    const waited = this.#waits.filter((item) => item.record === record)
    this.#waits = this.#waits.filter((item) => item.record !== record)
    const known = new Set(held?.server.map((change) => Automerge.decodeChange(change).hash))
    for (const item of waited) if (!known.has(item.hash)) this.#makeAgain(item)
  }

  /** Pending edits that do not fit what the server has are made again on it. */
  #refit(record) {
    try {
      if (Automerge.getMissingDeps(this.document(record), []).length === 0) return
    } catch {
      // Somebody else's change has the actor and number of a pending one.
    }
    const displaced = this.#pendingOf(record).map((item) => this.#take(item.hash))
    this.newActor()
    for (const item of displaced) this.#makeAgain(item)
  }

  /** Makes an edit again on what the record is by now, once; as somebody derived from the old change. */
  #makeAgain(item) {
    const { actor, tenBytes } = substitute(this.replica, item.hash)
    let count = 0
    const group = { group: mintId(item.ms), seen: item.seen, sent: false, items: [] }
    const edit = { ...item, again: true }
    this.outbox.push(group)
    const made = this.#write(group, edit, actor, () => mintId(item.ms, tenBytes((count += 1))))
    if (made) return
    this.outbox.pop()
    this.quarantine.push({ ...item, refusal: { code: 'depends_on_refused', sentence: 'Its record is not here.' } })
  }

  /** Takes a change out of the outbox, with the `seen` of its group. */
  #take(hash) {
    for (const group of this.outbox) {
      const at = group.items.findIndex((item) => item.hash === hash)
      if (at < 0) continue
      const [item] = group.items.splice(at, 1)
      if (group.items.length === 0) this.outbox.splice(this.outbox.indexOf(group), 1)
      return { ...item, seen: group.seen }
    }
    return null
  }

  // Feed

  /** Stores a batch, in the order that the page gives: erase, then take in. */
  take(batch) {
    for (const { scope } of batch.evict ?? []) this.#eraseScopes((held) => held === idText(scope))
    if (batch.keep_only) {
      const kept = new Set(batch.keep_only.map(idText))
      this.#eraseScopes((held) => !kept.has(held))
    }
    for (const record of batch.evict_records ?? []) this.records.delete(idText(record))
    // Of a feed that begins anew, what does not come is to be asked for.
    if (batch.anew) this.wanted = new Set(this.records.keys())
    for (const item of batch.items ?? []) this.#takeItem(item)
    this.cursor = batch.cursor
    if (batch.head > 0) this.seen = batch.head
  }

  /** Scopes that were begun here and are not accepted yet are in no record, and stay. */
  #eraseScopes(isGone) {
    for (const [record, held] of this.records) if (isGone(held.scope)) this.records.delete(record)
  }

  #takeItem({ record, kind, scope, snapshot, changes, fields }) {
    const id = idText(record)
    if (fields) {
      const known = this.rows.get(`${kind} ${id}`) ?? {}
      this.rows.set(`${kind} ${id}`, { ...known, ...fields })
    } else if (snapshot) {
      this.wanted.delete(id)
      this.records.set(id, { kind, scope: idText(scope), server: changesOf(snapshot) })
      this.#refit(id)
      this.arrived(id)
    } else {
      const held = this.records.get(id)
      const added = held && [...held.server, ...changes]
      const lacks = !held || Automerge.getMissingDeps(open(added, NOBODY), []).length > 0
      if (lacks) return this.wanted.add(id)
      Object.assign(held, { server: added, scope: idText(scope) })
      this.#refit(id)
    }
  }

  /** The user may not sign in any more: unsent and refused edits stay. */
  eraseEverything() {
    this.records.clear()
    this.rows.clear()
    this.cursor = undefined
  }

  /** Groups that were not sent yet, as push and ask have them: as many as a push may have, and one always. */
  unsent(most) {
    const waiting = this.outbox.filter((group) => !group.sent).slice(0, most)
    let operations = 0
    const fits = (group, n) => (operations += operationsOf(group)) <= OPERATIONS_PER_PUSH || n === 0
    const beyond = waiting.findIndex((group, n) => !fits(group, n))
    const groups = beyond < 0 ? waiting : waiting.slice(0, beyond)
    for (const group of groups) group.sent = true
    return groups.map(wireGroup)
  }

  /** The line broke: what has no verdict is sent again. */
  disconnected() {
    for (const group of this.outbox) group.sent = false
  }
}

/** A change counts as its operations, or as the values that they replace where those are more. */
function operationsOf({ items }) {
  const of = ({ change }) => {
    const { ops } = Automerge.decodeChange(change)
    return Math.max(ops.length, ops.reduce((sum, op) => sum + op.pred.length, 0))
  }
  return items.reduce((sum, item) => sum + of(item), 0)
}

function wireGroup({ group, seen, items }) {
  const wire = ({ record, kind, change }) => ({ record: idBytes(record), kind, change })
  return { group: idBytes(group), seen, items: items.map(wire) }
}