// Figures beside their floors, printed and written into target/bench/results.json beside the others.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const read = (path) => readFileSync(new URL(path, import.meta.url))
const sqlite = (file) => read(`../node_modules/@sqlite.org/sqlite-wasm/dist/${file}`)

/** Takes figures whose names begin so. */
export function figures(prefix) {
  const all = []
  return {
    say(name, value, unit, floor = null) {
      const ratio = floor && value / floor
      all.push({ name: `${prefix}${name}`, value, unit, floor, ratio })
      console.log(`${prefix}${name}`.padEnd(40), value.toFixed(1).padStart(10), (floor?.toFixed(1) ?? '').padStart(10), (ratio?.toFixed(2) ?? '').padStart(8), unit)
    },
    /** Replaces the figures of these names in the file. */
    write(isOurs = (name) => name.startsWith(prefix)) {
      const folder = new URL('../../../target/bench/', import.meta.url)
      const file = new URL('results.json', folder)
      mkdirSync(folder, { recursive: true })
      let others = []
      try { others = JSON.parse(readFileSync(file)) } catch { /* The other figures were not measured. */ }
      writeFileSync(file, `${JSON.stringify([...others.filter(({ name }) => !isOurs(name)), ...all], null, 2)}\n`)
    },
  }
}

/** What the floor's worker is made of. */
figures.pages = { '/floor.js': read('floor.js'), '/sqlite/index.mjs': sqlite('index.mjs'), '/sqlite/sqlite3.wasm': sqlite('sqlite3.wasm') }

/** How long SQLite's own WebAssembly takes to open and to write so many rows. */
figures.floor = async (context, site, rows) => {
  const page = await context.newPage()
  await page.goto(site.url)
  return page.evaluate(async (rows) => {
    const floor = new Worker('/floor.js', { type: 'module' })
    const ask = (...call) => new Promise((resolve) => { floor.onmessage = resolve; floor.postMessage(call) })
    const began = performance.now()
    await ask('open')
    await ask('fill', rows)
    floor.terminate()
    return performance.now() - began
  }, rows)
}
