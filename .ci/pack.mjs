// Packs a built app for the way: beside each file that becomes smaller by it a .br and a .gz, which a
// server hands out as they are. usage: node .ci/pack.mjs DIRECTORY [QUALITY of brotli, 0 to 11]
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const [directory, quality = '11'] = process.argv.slice(2)
const PACKED = /\.(br|gz)$/
const WORTH_IT = /\.(js|mjs|css|html|json|webmanifest|svg|wasm|txt|map)$/
const files = readdirSync(directory, { recursive: true }).map((name) => join(directory, name)).filter((path) => statSync(path).isFile())
// What an earlier build left would be handed out instead of what this one made.
for (const path of files.filter((path) => PACKED.test(path))) rmSync(path)
let [before, after] = [0, 0]
for (const path of files.filter((path) => WORTH_IT.test(path))) {
    const plain = readFileSync(path)
    const brotli = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: Number(quality), [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } })
    const gzip = gzipSync(plain, { level: Number(quality) > 9 ? 9 : 6 })
    if (brotli.length < plain.length) writeFileSync(`${path}.br`, brotli)
    if (gzip.length < plain.length) writeFileSync(`${path}.gz`, gzip)
    before += plain.length
    after += Math.min(brotli.length, plain.length)
}
console.log(`${Math.round(before / 1024)} KB, packed ${Math.round(after / 1024)} KB`)
