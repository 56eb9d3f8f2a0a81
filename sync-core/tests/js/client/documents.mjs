// Documents: how they begin, and how a change is written so that its actor and author are right.
// docs/JAVASCRIPT.md explains each of these functions.
import * as Automerge from '@automerge/automerge'
import { containersOf, kindOf } from './fields.mjs'
import { hex, idBytes, sha256 } from './messages.mjs'

/** A text that is one value, and no long text. */
export const str = (text) => new Automerge.ImmutableString(text)

/** The change that every document of a kind begins with; nobody sends it. */
export function genesis(kind) {
  const actor = hex(sha256(`kitchen-pantry/genesis/${kind.name}/1`).subarray(0, 16))
  const doc = Automerge.change(Automerge.init({ actor }), { time: 0 }, (root) => {
    root.kind = str(kind.name)
    for (const { name, type } of containersOf(kind)) root[name] = type === 'text' ? '' : {}
  })
  return Automerge.getLastLocalChange(doc)
}

/** A document of these changes that this actor and author go on writing. */
export function open(changes, { actor, author }) {
  const empty = Automerge.clone(Automerge.init({ author }), { actor, author })
  return Automerge.applyChanges(empty, changes)[0]
}

/** The changes of a document as it was saved, whose genesis is one of them. */
export const changesOf = (snapshot) => Automerge.getAllChanges(Automerge.load(snapshot))

/** Makes one change; null when it does nothing. */
export function write(doc, edit, ms) {
  const before = Automerge.getHeads(doc)
  const after = Automerge.change(doc, { time: Math.floor(ms / 1000) }, edit)
  if (Automerge.hasHeads(after, before) && Automerge.getHeads(after).join() === before.join()) return null
  const change = Automerge.getLastLocalChange(after)
  return { doc: after, change, hash: Automerge.decodeChange(change).hash }
}

/** What the creating change puts: `id`, `created_at`, `created_by` and every required field. */
export function beginning(record, user, ms, edit) {
  return (root) => {
    root.id = str(record)
    root.created_at = new Date(ms)
    root.created_by = str(user)
    edit(root)
  }
}

/** The parts of one value, written as one text: keys in order, no blanks, nothing that is null. */
export function whole(parts) {
  const given = Object.entries(parts).filter(([, value]) => value !== null && value !== undefined)
  return str(JSON.stringify(Object.fromEntries(given.sort(([a], [b]) => (a < b ? -1 : 1)))))
}

/** Adds an event to a log. It supersedes those that stand. */
export function append(log, id, { at, by }, parts) {
  const events = Object.values(log).map((text) => JSON.parse(String(text)))
  const superseded = new Set(events.flatMap((event) => event.supersedes ?? []))
  const standing = Object.keys(log).filter((key) => !superseded.has(key)).sort()
  const supersedes = standing.length > 0 ? { supersedes: standing } : {}
  log[id] = str(JSON.stringify({ at, by, ...supersedes, ...parts }))
}

/** What the record's document says of whom it hangs from; the record itself, or what a column says. */
export function scopeOf(kindName, record, row) {
  const kind = kindOf(kindName)
  if (kind.scope === 'itself') return record
  return row[kind.scope.column] ?? row[kind.scope.or_user] ?? row.created_by ?? record
}

/** Who makes an edit again whose change cannot stand: "What a client does with a refusal". */
export function substitute(replica, hash) {
  const seed = sha256('kitchen-pantry/anew/1', idBytes(replica), Buffer.from(hash, 'hex'))
  const nth = (n) => {
    const count = Buffer.alloc(8)
    count.writeBigUInt64BE(BigInt(n))
    return sha256(seed, count)
  }
  return { actor: hex(nth(0).subarray(0, 16)), tenBytes: (n) => nth(n).subarray(0, 10) }
}
