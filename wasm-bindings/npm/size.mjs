// Says how much of the package goes over the line, packed as servers pack it.
import { readFileSync } from 'node:fs'
import { brotliCompressSync, constants } from 'node:zlib'

const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 }
const packed = (file) => brotliCompressSync(readFileSync(file), { params }).length
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} KB`
console.log(`engine ${kilobytes(packed('dist/engine.wasm'))}, script ${kilobytes(packed('dist/index.js') + packed('dist/worker.js'))} (brotli)`)
