// Builds dist/ from src/ and the engine that .ci/wasm made.
import './generate.mjs'
import { build } from 'esbuild'
import { execFileSync } from 'node:child_process'
import { copyFileSync, rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
// Of two tabs the newer build has the database, so builds are numbered by their moment.
const moment = Number(process.env.SOURCE_DATE_EPOCH ?? Math.floor(Date.now() / 1000))
const common = { define: { __BUILD__: String(moment) }, bundle: true, format: 'esm', target: 'es2022', minify: true, sourcemap: true, legalComments: 'none' }
await build({ ...common, entryPoints: ['src/index.ts'], outfile: 'dist/index.js', external: ['./worker.js'] })
await build({ ...common, entryPoints: ['src/vue.ts'], outfile: 'dist/vue.js', external: ['vue'] })
await build({ ...common, entryPoints: ['src/manage.ts'], outfile: 'dist/manage.js' })
await build({ ...common, entryPoints: ['src/import.ts'], outfile: 'dist/import.js' })
await build({ ...common, entryPoints: ['src/worker.ts'], outfile: 'dist/worker.js' })
await build({ ...common, platform: 'node', entryPoints: ['src/node.ts'], outfile: 'dist/node.js', external: ['./index.js', './node-worker.js'] })
await build({ ...common, platform: 'node', entryPoints: ['src/node-worker.ts'], outfile: 'dist/node-worker.js' })
copyFileSync('../../LICENSE', 'LICENSE')
copyFileSync('src/engine/engine_bg.wasm', 'dist/engine.wasm')
copyFileSync('src/engine/import_bg.wasm', 'dist/import.wasm')
execFileSync('node_modules/.bin/tsc', { stdio: 'inherit' })
