// Holds the client of this folder against the golden corpus: `node conform.mjs CORPUS`. Prints what it
// compared; the first difference is an error.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as Automerge from '@automerge/automerge'
import { changesOf, genesis, open, scopeOf } from './client/documents.mjs'
import { documentKinds, kindOf } from './client/fields.mjs'
import { READS } from './client/frames.mjs'
import { bytes, fromFrame, hex, toFrame } from './client/messages.mjs'
import { cellsOf, meaningOf } from './client/rows.mjs'

const corpus = process.argv[2]
const golden = (name) => JSON.parse(readFileSync(join(corpus, name), 'utf8'))
const counts = {}
const count = (what) => (counts[what] = (counts[what] ?? 0) + 1)
const nobody = { actor: '00'.repeat(16), author: '00'.repeat(16) }

/** Bytes as the corpus writes them. */
function plain(value) {
  if (value instanceof Uint8Array) return { hex: hex(value) }
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]))
}

for (const kind of documentKinds) {
  const made = genesis(kind)
  assert.equal(hex(made), golden('genesis.json').first[kind.name].change, `genesis of ${kind.name}`)
  assert.equal(Automerge.decodeChange(made).hash, kind.genesis)
  count('genesis changes made')
}

for (const side of ['client', 'server']) {
  for (const { about, content, ...frames } of golden(`frames/${side}.json`)) {
    for (const packing of ['plain', 'zlib', ...READS]) {
      const { name, body } = fromFrame(bytes(frames[packing]))
      assert.deepEqual({ message: name, body: plain(body) }, content, `${about} (${packing})`)
      count('frames read')
    }
    const { name, body } = fromFrame(bytes(frames.plain))
    assert.deepEqual(plain(fromFrame(toFrame(name, body))), plain({ name, body }), about)
  }
}

/** The promise is that a reader finds no less; the corpus may be older than the fields. */
function holdsAll(found, expected, about) {
  for (const [key, value] of Object.entries(expected)) assert.deepEqual(found[key], value, `${about}: ${key}`)
}

for (const name of readdirSync(join(corpus, 'documents'))) {
  const { kind: kindName, record, whole, means } = golden(`documents/${name}`)
  const kind = kindOf(kindName)
  const said = meaningOf(kind, open(changesOf(bytes(whole)), nobody))
  holdsAll(said.row, means.row, name)
  const byField = (a, b) => (a.field < b.field ? -1 : 1)
  assert.deepEqual(said.conflicts.sort(byField), means.conflicts, `${name}: conflicts`)
  assert.equal(said.violations.length, means.violations.length, `${name}: violations`)
  assert.equal(scopeOf(kindName, record, said.row), means.scope, `${name}: scope`)
  assert.equal(cellsOf(kind, said.row).length, kind.columns.length)
  count('rows computed')
}

for (const name of readdirSync(join(corpus, 'changes'))) {
  for (const { about, kind, before, change, verdict, row } of golden(`changes/${name}`)) {
    if (!verdict.accepted) continue
    const first = before === null ? [genesis(kindOf(kind))] : changesOf(bytes(before))
    const doc = open([...first, bytes(change)], nobody)
    assert.deepEqual(Automerge.getHeads(doc).sort(), verdict.accepted.heads, about)
    if (row) holdsAll(meaningOf(kindOf(kind), doc).row, row, about)
    count('changes applied')
  }
}

console.log(Object.entries(counts).map(([what, many]) => `${many} ${what}`).join('\n'))
