// Files that are imported in a page: the same cases as the command line's, and a whole import in a real browser.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { browser, open, pages } from './kit.mjs'

const CASES = new URL('../../../sync-core/tests/import/', import.meta.url)
const { cases } = JSON.parse(readFileSync(new URL('cases.json', CASES)))
const wasm = readFileSync(new URL('../dist/import.wasm', import.meta.url))
const { openImport } = await import('../dist/import.js')

/** A device without records. */
const empty = { status: null, query: async () => ({ columns: [], rows: [] }), call: async (name) => ({ import_mark: 0, import_taken: [] })[name] ?? null }

for (const one of cases) {
  test(`${one.file} is read as the command line reads it: ${one.tells}`, async () => {
    const file = await openImport(empty, { name: one.file, bytes: readFileSync(new URL(one.file, CASES)) }, { wasm })
    const plan = file.plan(one.options)
    assert.deepEqual([plan.kind, plan.delimiter, plan.headingLine], [one.kind, one.delimiter, one.headingLine])
    assert.ok(plan.encoding.toUpperCase().startsWith(one.encoding.toUpperCase()), plan.encoding)
    assert.deepEqual(Object.fromEntries(plan.columns.map(({ heading, field }) => [heading, field])), one.columns)
    assert.equal(plan.asks.length, one.asks)
    const outcome = await file.preview()
    assert.deepEqual([outcome.rows, outcome.created, outcome.leftOut, outcome.cellsLost], one.outcome)
    assert.deepEqual(outcome.remarks.map(({ line, column, lost }) => `${line} ${column} ${lost}`), one.remarks)
    file.close()
  })
}

/** What would begin with a text, on a device with these answers. */
async function begins(text, options, device = empty) {
  const file = await openImport(device, { name: 'a.csv', bytes: new TextEncoder().encode(text) }, { wasm })
  file.plan(options)
  const { examples } = await file.preview()
  file.close()
  return examples
}

test('accounts begin as prospects where that is asked, and what was said of them is named', async () => {
  const text = 'Name,Type\nLa Ola,cliente\n'
  assert.equal((await begins(text, {}))[0].organization_type, 'customer')
  const [prospect] = await begins(text, { prospectsOnly: true })
  assert.equal(prospect.organization_type, 'prospect')
})

test("times of day are those of the device's zone, in summer and in winter", async () => {
  const id = '018f0000-0000-7000-8000-000000000001'
  const query = async (sql) => ({ columns: [], rows: /FROM organizations/.test(sql) ? [[id, 'Elm Street', null, null, null, null, null]] : [] })
  const call = async (name, args) => (name === 'zone' ? 'America/New_York' : empty.call(name, args))
  const text = 'Account Name,Activity Type,Activity Date\nElm Street,Visit,2026-01-15 09:30\nElm Street,Visit,2026-07-15 09:30\n'
  const visits = await begins(text, { kind: 'interaction' }, { ...empty, query, call })
  const at = visits.map(({ occurred_at }) => new Date(occurred_at).toISOString())
  assert.deepEqual(at, ['2026-01-15T14:30:00.000Z', '2026-07-15T13:30:00.000Z'])
})

let site, folder
before(async () => {
  site = await pages()
  folder = await mkdtemp(join(tmpdir(), 'pantry-import-'))
})
after(async () => {
  site?.close()
  if (folder) await rm(folder, { recursive: true, force: true })
})

const ROWS = 300
const text = (name = 'name', rest = 'Thai') => `name,cuisine,Record ID\n${Array.from({ length: ROWS }, (_, n) => `${name} ${n},${rest},${n}`).join('\n')}\n`
/** Imports a text in a page; dies after so many batches were written, when that is said. */
const run = (page, text, options = {}, diesAfter = Infinity) => page.evaluate(async ({ text, options, diesAfter }) => {
  const { openImport } = await import('/pantry/import.js')
  let written = 0
  const call = async (name, args) => {
    if (name === 'import_rows' && diesAfter !== null && written++ >= diesAfter) return new Promise(() => {})
    return replica.call(name, args)
  }
  const device = { status: replica.status, query: (sql) => replica.query(sql), call }
  const file = await openImport(device, { name: 'kitchens.csv', bytes: new TextEncoder().encode(text) })
  file.plan(options)
  const running = file.run()
  if (diesAfter === null) return running
  while (written <= diesAfter) await new Promise((resolve) => setTimeout(resolve, 5))
  return null
}, { text, options, diesAfter: Number.isFinite(diesAfter) ? diesAfter : null })
const count = (page, where = '1') => page.evaluate((where) => replica.query(`SELECT count(*) FROM organizations WHERE NOT is_deleted AND ${where}`).then(({ rows }) => rows[0][0]), where)
const batches = (page) => page.evaluate(() => import('/pantry/import.js').then(({ imports }) => imports(replica)))

test('an import that is killed goes on without doubles, is found by its numbers, updated, listed and undone', async () => {
  const rosa = { name: 'rosa', user: '018f0000-0000-7000-8000-000000000007' }
  let context = await browser(folder)
  let page = await open(context, site, rosa)
  await run(page, text('Kitchen'), {}, 2)
  assert.equal(await count(page), 128)
  const [begun] = await batches(page)
  assert.deepEqual([begun.state, begun.source, begun.kind], ['begun', 'kitchens.csv', 'organization'])
  await context.close()

  context = await browser(folder)
  page = await open(context, site, rosa)
  const gone = await run(page, text('Kitchen'))
  assert.deepEqual([gone.created, gone.there, gone.import], [ROWS - 128, 128, begun.id])
  assert.equal(await count(page), ROWS)
  const again = await run(page, text('Kitchen'))
  assert.deepEqual([again.created, again.there], [0, ROWS])

  const changed = await run(page, text('Kitchen', 'Greek'), { onMatch: 'update' })
  assert.deepEqual([changed.changed, changed.created], [ROWS, 0])
  assert.equal(await count(page, "cuisine = 'Greek'"), ROWS)
  const same = await run(page, text('Kitchen', 'Greek'), { onMatch: 'update' })
  assert.deepEqual([same.changed, same.there], [0, ROWS])

  const all = await batches(page)
  const undo = (id) => page.evaluate((id) => import('/pantry/import.js').then(({ undoImport }) => undoImport(replica, id)), id)
  const back = await undo(all.find(({ changed }) => changed > 0).id)
  assert.deepEqual([back.deleted, back.restored, back.kept.length], [0, ROWS, 0])
  assert.equal(await count(page, "cuisine = 'Thai'"), ROWS)
  await context.close()
})
