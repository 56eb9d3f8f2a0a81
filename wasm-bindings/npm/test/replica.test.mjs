// A replica in a real browser against a real server.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Cleanup, World, browser, open, pages, until } from './kit.mjs'

const cleanup = new Cleanup()
let site, world
const folders = []
async function device() {
  const folder = await mkdtemp(join(tmpdir(), 'pantry-browser-'))
  folders.push(folder)
  return folder
}

before(async () => {
  site = await pages()
  world = await World.begin(site.url)
})
after(async () => {
  await cleanup.end()
  await world?.end()
  site?.close()
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
})

const sent = (page) => page.evaluate(async () => { await replica.sync(); return replica.status?.unsent })

test('what is edited without a network survives the browser, and is on the server, on another device and in the tables', async () => {
  const folder = await device()
  const rosa = { name: 'rosa', token: world.token('rosa@example.com') }
  let context = await browser(folder)
  let page = await open(context, site, rosa)
  const id = await page.evaluate(() => replica.create('organization', { name: 'Café Zoë', tags: ['patio'], notes: 'Ring twice.' }))
  await page.evaluate((id) => replica.update(id, { priority_level: 'A', location: { lat: 42.5, lng: -73.2, accuracy_m: 10 } }), id)
  await context.close()

  context = await browser(folder)
  page = await open(context, site, { ...rosa, url: world.url })
  const kept = await page.evaluate((id) => replica.get(id), id)
  assert.deepEqual([kept.record.name, kept.record.priority_level, kept.record.tags], ['Café Zoë', 'A', ['patio']])
  assert.deepEqual(await page.evaluate(() => replica.search('zoe').then((hits) => hits.map((hit) => hit.title))), ['Café Zoë'])
  await until('everything is sent', async () => (await sent(page)) === 0)
  assert.equal(world.select(`SELECT name || priority_level || notes FROM public.organizations WHERE id = '${id}'`), 'Café ZoëARing twice.')

  const other = await browser(await device())
  const second = await open(other, site, { name: 'mia', token: world.token('mia@example.com'), url: world.url })
  await until('the manager sees it', () => second.evaluate((id) => replica.get(id).then((found) => found?.record.name === 'Café Zoë'), id))
  await context.close()
  await other.close()
})

test('one tab has the database, others ask it, and when it goes the next has it with every edit', async () => {
  const context = await browser(await device())
  const options = { name: 'omar', token: world.token('omar@example.com') }
  const first = await open(context, site, options)
  const second = await open(context, site, options)
  assert.deepEqual([await first.evaluate(() => replica.owns), await second.evaluate(() => replica.owns)], [true, false])
  const id = await second.evaluate(() => replica.create('task', { title: 'Call' }))
  assert.equal(await first.evaluate((id) => replica.get(id).then((found) => found.record.title), id), 'Call')
  // Edits on their way while the owner goes.
  const edits = second.evaluate(async (id) => {
    for (let n = 0; n < 50; n += 1) await replica.update(id, { priority: ['low', 'medium', 'high'][n % 3], description: `round ${n}` })
  }, id)
  await first.close()
  await edits
  await until('the other tab has it', () => second.evaluate(() => replica.owns))
  assert.equal(await second.evaluate((id) => replica.get(id).then((found) => found.record.description), id), 'round 49')
  await context.close()
})

test('a live query tells what changes, whoever changed it', async () => {
  const context = await browser(await device())
  const options = { name: 'rosa', token: world.token('rosa@example.com') }
  const first = await open(context, site, options)
  const second = await open(context, site, options)
  await second.evaluate(() => {
    globalThis.seen = []
    void (async () => {
      for await (const { rows } of replica.watch('SELECT title FROM tasks WHERE title LIKE ? ORDER BY title', ['Live%'])) seen.push(rows.map(([title]) => title))
    })()
  })
  await until('the first rows', () => second.evaluate(() => seen.length === 1))
  const id = await first.evaluate(() => replica.create('task', { title: 'Live B' }))
  await second.evaluate(() => replica.create('task', { title: 'Live A' }))
  await first.evaluate((id) => replica.update(id, { title: 'Live C' }), id)
  await until('all of it', () => second.evaluate(() => JSON.stringify(seen.at(-1)) === '["Live A","Live C"]'))
  // Whoever answers after the owner went was never asked for it.
  await first.close()
  await until('the other tab has it', () => second.evaluate(() => replica.owns))
  await second.evaluate(() => replica.create('task', { title: 'Live D' }))
  await until('what came after', () => second.evaluate(() => JSON.stringify(seen.at(-1)) === '["Live A","Live C","Live D"]'))
  await context.close()
})

test('an error has the code and the words of the engine', async () => {
  const context = await browser(await device())
  const page = await open(context, site, { name: 'rosa', token: world.token('rosa@example.com') })
  const failed = (edit) => page.evaluate((edit) => replica.create('organization', edit).then(() => null, ({ code, message }) => ({ code, message })), edit)
  assert.equal((await failed({ name: 'X', nonsense: 1 })).code, 'bad_edit')
  const { code, message } = await failed({ name: 'X', priority_level: 'E' })
  assert.equal(code, 'bad_edit')
  assert.match(message, /priority_level.*allowed is/)
  await context.close()
})

test('records of a kind are typed objects, read, edited and watched by name', async () => {
  const context = await browser(await device())
  const page = await open(context, site, { name: 'omar', token: world.token('omar@example.com') })
  const id = await page.evaluate(() => replica.opportunities.create({ organization_id: crypto.randomUUID(), name: 'Noodles', estimated_value: { minor: 120000, currency: 'USD' } }))
  const seen = page.evaluate(async () => {
    const stages = []
    for await (const deals of replica.opportunities.watch()) {
      stages.push(deals.map((deal) => deal.stage).join())
      if (stages.at(-1) === 'closed-lost') return stages
    }
  })
  await page.evaluate((id) => replica.opportunities.update(id, { stage: 'closed-lost: too dear' }), id)
  assert.equal((await seen).at(-1), 'closed-lost')
  const deal = await page.evaluate((id) => replica.opportunities.get(id), id)
  assert.deepEqual([deal.stage, deal.close_reason, deal.estimated_value_minor, deal.is_deleted, deal.tags], ['closed-lost', 'too dear', 120000, false, []])
  await page.evaluate((id) => replica.opportunities.delete(id), id)
  assert.deepEqual(await page.evaluate(() => replica.opportunities.list()), [])
  assert.equal(await page.evaluate(() => replica.opportunities.list({ deleted: true }).then((all) => all.length)), 1)
  await context.close()
})

test('no message to a page has more rows than it takes in at once, whether they came, changed or went', async () => {
  const page = await (await cleanup.device()).newPage()
  await page.goto(site.url)
  const told = await page.evaluate(async () => {
    const { openReplica } = await import('/pantry/index.js')
    const seen = { most: 0, parts: 0 }
    const worker = () => {
      const worker = new Worker('/pantry/worker.js', { type: 'module' })
      worker.addEventListener('message', ({ data }) => {
        const { removed = [], changed = [], added = [] } = data.news?.difference ?? {}
        const lists = [data.part?.rows, data.answer?.value?.rows, removed, changed, added]
        seen.most = Math.max(seen.most, ...lists.map((list) => list?.length ?? 0))
        seen.parts += data.part ? 1 : 0
      })
      return worker
    }
    const replica = await openReplica({ name: 'pieces', storage: 'memory', user: '01a21c3c-f929-7000-8000-000000000001', worker })
    const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5500)'
    await replica.query(`${numbers} SELECT i FROM n`)
    const rows = []
    let task
    for await (const now of replica.watch(`${numbers} SELECT n.i, tasks.title FROM n, tasks WHERE NOT tasks.is_deleted ORDER BY n.i`)) {
      rows.push([now.rows.length, now.rows.filter(([, title]) => title === 'B').length])
      if (rows.length === 1) task = await replica.tasks.create({ title: 'A' })
      else if (rows.length === 2) await replica.tasks.update(task, { title: 'B' })
      else if (rows.length === 3) await replica.tasks.delete(task)
      else break
    }
    await replica.close()
    return { ...seen, rows }
  })
  assert.deepEqual(told.rows, [[0, 0], [5500, 0], [5500, 5500], [0, 0]])
  assert.ok(told.most <= 1000, `${told.most} rows at once`)
  assert.ok(told.parts >= 20, `${told.parts} parts`)
})

test('many rows come to a page in parts, and are whole and in order when they have come', async () => {
  const context = await cleanup.device()
  const page = await open(context, site, { name: 'many', user: '01a21c3c-f929-7000-8000-000000000001' })
  const second = await open(context, site, { name: 'many', user: '01a21c3c-f929-7000-8000-000000000001' })
  for (const tab of [page, second]) {
    const rows = await tab.evaluate(() => replica.query('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5500) SELECT i FROM n').then(({ rows }) => rows.map(([i]) => i)))
    assert.deepEqual(rows, Array.from({ length: 5500 }, (_, n) => n + 1))
  }
  const seen = await second.evaluate(async () => {
    const seen = []
    const sql = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2200)
      SELECT tasks.title, n.i, tasks.priority FROM tasks, n WHERE NOT tasks.is_deleted ORDER BY tasks.title DESC, n.i`
    let step = 0
    for await (const { rows } of replica.watch(sql)) {
      const inOrder = rows.every(([title, i], n) => n === 0 || title < rows[n - 1][0] || (title === rows[n - 1][0] && i === rows[n - 1][1] + 1))
      seen.push([rows.length, inOrder, rows.filter(([, , priority]) => priority === 'high').length])
      step += 1
      if (step === 1) await replica.tasks.create({ title: 'A' })
      else if (step === 2) globalThis.b = await replica.tasks.create({ title: 'B' })
      else if (step === 3) await replica.tasks.update(b, { priority: 'high' })
      else if (step === 4) await replica.tasks.delete(b)
      else return seen
    }
  })
  assert.deepEqual(seen, [[0, true, 0], [2200, true, 0], [4400, true, 0], [4400, true, 2200], [2200, true, 0]])
})
