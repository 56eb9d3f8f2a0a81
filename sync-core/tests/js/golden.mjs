// Prints what the documents of the golden corpus hold, as `holds`, `heads` and `changes` in its files say
// it: `node golden.mjs FOLDER`.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as Automerge from '@automerge/automerge'

function plain(value) {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') }
  return typeof value === 'bigint' ? Number(value) : JSON.parse(JSON.stringify(value))
}

/** Every value of a register that stands, sorted; the text of a text; the entries of a map. */
function holds(map) {
  const held = {}
  for (const [key, value] of Object.entries(map)) {
    const isScalar = value === null || typeof value !== 'object' || value instanceof Date
    if (typeof value === 'string') held[key] = value
    else if (isScalar || value instanceof Uint8Array || Automerge.isImmutableString(value)) {
      const all = Object.values(Automerge.getConflicts(map, key) ?? { only: value }).map(plain)
      const texts = new Set(all.map((one) => JSON.stringify(one)).sort())
      held[key] = [...texts].map((text) => JSON.parse(text))
    } else held[key] = holds(value)
  }
  return held
}

function read(bytes) {
  const doc = Automerge.load(bytes)
  const changes = Automerge.getAllChanges(doc).map((bytes) => {
    const { hash, actor, seq, startOp, time, deps, ops } = Automerge.decodeChange(bytes)
    return { hash, actor, seq, start_op: startOp, time, deps: deps.sort(), ops: ops.length }
  })
  return { holds: holds(doc), heads: Automerge.getHeads(doc).sort(), changes }
}

const folder = process.argv[2]
const everything = readdirSync(folder).map((name) => {
  const golden = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  return [join(folder, name), ['whole', 'deflated'].map((form) => read(Buffer.from(golden[form], 'hex')))]
})
console.log(JSON.stringify(Object.fromEntries(everything)))
