// Makes the engine smaller on the line, in place: node shrink.mjs ENGINE.wasm, with its names in it. Nothing
// is put into its callers here: that makes the file smaller and what is packed larger. Last the functions are
// put in the order of their names, by which what was made of one pattern stands together and packs better.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FEATURES = ['bulk-memory', 'nontrapping-float-to-int', 'sign-ext', 'mutable-globals', 'multivalue', 'reference-types']
const PASSES = ['-Os', '-ocimfs', '0', '-fimfs', '0', '-aimfs', '0', '-pii', '0', '--reorder-functions-by-name']

/** The module without its custom sections of a name. */
function without(module, name) {
  let at = 8
  const number = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = module[at++]
      value |= (byte & 127) << shift
      if (byte < 128) return value >>> 0
    }
  }
  const kept = [module.subarray(0, 8)]
  while (at < module.length) {
    const [start, id, end] = [at, module[at++], number() + at]
    const custom = id === 0 && (number(), module.toString('latin1', at, at + name.length))
    if (custom !== name) kept.push(module.subarray(start, end))
    at = end
  }
  return Buffer.concat(kept)
}

const file = process.argv[2]
const optimiser = fileURLToPath(new URL('node_modules/binaryen/bin/wasm-opt', import.meta.url))
execFileSync(process.execPath, [optimiser, '-g', ...FEATURES.map((feature) => `--enable-${feature}`), file, ...PASSES, '-o', file], { stdio: 'inherit' })
writeFileSync(file, without(readFileSync(file), 'name'))
