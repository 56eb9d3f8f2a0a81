// Says how much of the package goes over the line, packed as servers pack it.
import { readFileSync } from 'node:fs'
import { brotliCompressSync, constants } from 'node:zlib'

const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 }
const packed = (file) => brotliCompressSync(readFileSync(file), { params }).length
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} KB`
const [engine, script] = [packed('dist/engine.wasm'), packed('dist/index.js') + packed('dist/worker.js')]
// Loaded when somebody opens a file to import, and not before.
const reader = packed('dist/import.wasm') + packed('dist/import.js')
console.log(`engine ${kilobytes(engine)}, script ${kilobytes(script)}, reader of files ${kilobytes(reader)} (brotli)`)

// The engine's goal is 750 KB; docs/WEIGHT.md says what stands in the way. Lower this whenever it shrank.
const MOST = { engine: 975_000, script: 25_000, reader: 260_000 }
for (const [what, bytes] of Object.entries({ engine, script, reader })) {
  if (bytes <= MOST[what]) continue
  console.error(`error: the ${what} is larger than ${kilobytes(MOST[what])}`)
  process.exitCode = 1
}
