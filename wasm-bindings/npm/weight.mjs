// Says what weighs what in the engine: node weight.mjs MODULE.wasm, as the linker left it, with its names.
// Code is counted by the crate that is named first and is not the standard library; what of the standard
// library was made for types that its name does not tell stands under `std`. Packed is each part by itself,
// so that the sum is more than the whole.
import { readFileSync } from 'node:fs'
import { brotliCompressSync, constants } from 'node:zlib'

const module = readFileSync(process.argv[2])
const packed = (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 22 } }).length
let at = 8
function number() {
  for (let value = 0, shift = 0; ; shift += 7) {
    const byte = module[at++]
    value |= (byte & 127) << shift
    if (byte < 128) return value >>> 0
  }
}
const text = () => {
  const end = number() + at
  const said = module.toString('utf8', at, end)
  at = end
  return said
}

const sections = []
while (at < module.length) {
  const id = module[at++]
  const end = number() + at
  sections.push({ id, name: id === 0 ? text() : '', from: at, end })
  at = end
}
const section = (id, name = '') => sections.find((one) => one.id === id && one.name === name)

/** How many functions are imported: their numbers come first. */
function imported() {
  at = section(2).from
  let functions = 0
  const limits = () => (module[at++] & 1 ? (number(), number()) : number())
  for (let left = number(); left > 0; left--) {
    text()
    text()
    const kind = module[at++]
    if (kind === 0) functions += (number(), 1)
    else if (kind === 1) at++, limits()
    else if (kind === 2) limits()
    else at += 2
  }
  return functions
}

/** The names of functions by their numbers. */
function names() {
  const { from, end } = section(0, 'name')
  const found = new Map()
  for (at = from; at < end; ) {
    const [kind, size] = [module[at++], number()]
    const next = at + size
    if (kind === 1) for (let left = number(); left > 0; left--) found.set(number(), text())
    at = next
  }
  return found
}

const STD = new Set(['core', 'alloc', 'std', 'hashbrown', 'compiler_builtins', 'dlmalloc'])
function crateOf(name = '?') {
  if (name.startsWith('_R')) return 'std'
  if (!name.startsWith('_ZN')) return /^(sqlite3)?fts5/i.test(name) ? 'SQLite: FTS5' : /^(ZSTD|HUF|FSE|XXH)/.test(name) ? 'zstd' : 'SQLite'
  const path = [...name.matchAll(/(?:^_ZN\d+|\$|[._])([a-z][a-z0-9_]*?)(?=\.\.|\d)/g)].map(([, word]) => word)
  return path.find((word) => KNOWN.has(word)) ?? 'std'
}
const all = names()
const KNOWN = new Set([...all.values()].map((name) => /^_ZN(\d+)([a-z][a-z0-9_]*)/.exec(name)).filter(Boolean).map(([, size, rest]) => rest.slice(0, Number(size))).filter((word) => !STD.has(word)))

const parts = new Map()
let index = imported()
at = section(10).from
for (let left = number(); left > 0; left--) {
  const size = number()
  const crate = crateOf(all.get(index++))
  parts.set(crate, [...(parts.get(crate) ?? []), module.subarray(at, at + size)])
  at += size
}
parts.set('data', [module.subarray(section(11).from, section(11).end)])
const rows = [...parts].map(([crate, of]) => {
  const bytes = Buffer.concat(of)
  return { crate, functions: crate === 'data' ? 0 : of.length, bytes: bytes.length, packed: packed(bytes) }
})
rows.sort((a, b) => b.packed - a.packed)
for (const { crate, functions, bytes, packed: small } of rows.slice(0, 30)) {
  console.log(`${crate.padEnd(22)}${String(functions).padStart(7)}${String(bytes).padStart(9)}${String(small).padStart(9)}`)
}
