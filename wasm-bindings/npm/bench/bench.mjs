// Measures the package in Chromium against SQLite's own WebAssembly on the same file system, and counts how often
// a page is kept from other work. Writes into target/bench/results.json beside the other figures.
import { Cleanup, World, open, pages, until } from '../test/kit.mjs'
import { figures } from './figures.mjs'

const RECORDS = Number(process.env.RECORDS ?? 10_000)
const CHANGED = 100
const EDITS = 100
const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)]

const cleanup = new Cleanup()
const site = await pages(figures.pages)
const world = await World.begin(site.url)
const { say, write } = figures('browser.')

/** What the floor takes for the same, in milliseconds. */
async function floors() {
  const page = await (await cleanup.device()).newPage()
  await page.goto(site.url)
  await page.evaluate(() => {
    globalThis.begin = () => { globalThis.floor = new Worker('/floor.js', { type: 'module' }) }
    globalThis.ask = (...call) => new Promise((resolve) => { floor.onmessage = resolve; floor.postMessage(call) })
    globalThis.timed = async (work) => { const began = performance.now(); await work(); return performance.now() - began }
  })
  const other = await page.context().newPage()
  await other.goto(site.url)
  await other.evaluate(() => { new BroadcastChannel('floor').onmessage = ({ data }) => new BroadcastChannel('heard').postMessage(data) })
  const bootstrap = await page.evaluate(async (count) => { begin(); return timed(async () => { await ask('open'); await ask('fill', count) }) }, RECORDS)
  const resume = await page.evaluate(async (count) => {
    floor.terminate()
    await new Promise((resolve) => setTimeout(resolve, 500))
    begin()
    return timed(async () => { await ask('open'); await ask('fill', count) })
  }, CHANGED)
  const [edit, another] = await page.evaluate(async (count) => {
    const heard = new BroadcastChannel('heard')
    const [edits, others] = [[], []]
    for (let n = 0; n < count; n += 1) {
      const there = new Promise((resolve) => { heard.onmessage = resolve })
      const began = performance.now()
      await ask('edit', n)
      edits.push(performance.now() - began)
      await there
      others.push(performance.now() - began)
    }
    return [edits, others]
  }, EDITS)
  await page.context().close()
  return { bootstrap, resume, edit: median(edit), another: median(another) }
}

try {
  const rosa = { name: 'rosa', token: world.token('rosa@example.com'), url: world.url }
  const writer = await open(await cleanup.device(), site, rosa)
  const began = performance.now()
  await writer.evaluate(async (records) => {
    for (let at = 0; at < records; at += 50) {
      await replica.transaction((tx) => {
        for (let n = at; n < Math.min(at + 50, records); n += 1) {
          tx.organizations.create({
            name: `Kitchen ${n}`, organization_type: 'prospect', industry_segment: 'fine dining', business_type: 'independent', cuisine: 'Thai', website: `https://kitchen${n}.example.com`,
            employee_count: n % 90, priority_level: 'ABCD'[n % 4], billing_address: { street: `${n} High Street`, city: 'Utica', postal_code: '13501' }, location: { lat: 43 + n / 1e6, lng: -75, accuracy_m: 10 },
            phones: [`+1315555${String(n).padStart(4, '0')}`], notes: `Ring twice at door ${n}.`,
          })
        }
      })
    }
  }, RECORDS)
  say('make', (performance.now() - began) / RECORDS * 1000, 'µs a record')
  for (;;) {
    if (await until('all is sent', () => writer.evaluate(() => replica.sync().then(() => replica.status.unsent === 0)))) break
  }
  const floor = await floors()

  const context = await cleanup.device()
  // Everything is shown: the most that a page could ask for.
  const showing = () => {
    globalThis.long = []
    new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })
    globalThis.began = performance.now()
  }
  const shows = async (page, what, arg) => {
    const ms = await page.evaluate(async ([what, arg]) => {
      const done = new Function('rows', 'arg', `return ${what}`)
      for await (const rows of replica.organizations.watch()) if (done(rows, arg)) return performance.now() - began
    }, [what, arg])
    return { ms, long: await page.evaluate(() => long) }
  }
  const reader = await open(context, site, rosa, showing)
  const first = await shows(reader, 'rows.length >= arg', RECORDS)
  say(`bootstrap.${RECORDS}`, first.ms, 'ms', floor.bootstrap)
  say(`bootstrap.${RECORDS}.long_tasks`, first.long.filter((ms) => ms > 50).length, 'tasks over 50 ms on the page')
  if (first.long.length > 0) console.log('  the longest:', Math.max(...first.long), 'ms')
  await reader.close()

  await writer.evaluate(async (changed) => {
    const { rows } = await replica.query('SELECT id FROM organizations ORDER BY id LIMIT ?', [changed])
    for (const [id] of rows) await replica.organizations.update(id, { cuisine: 'Vietnamese' })
    await replica.sync()
  }, CHANGED)
  const again = await open(context, site, rosa, showing)
  const opened = await again.evaluate(async () => { await replica.query('SELECT 1'); return performance.now() - began })
  say('open', opened, 'ms to the first answer')
  const resumed = await shows(again, "rows.filter((row) => row.cuisine === 'Vietnamese').length >= arg", CHANGED)
  say(`resume.${CHANGED}`, resumed.ms, 'ms', floor.resume)

  const other = await open(context, site, rosa)
  await other.evaluate(async () => {
    const heard = new BroadcastChannel('heard')
    void (async () => { for await (const { rows } of replica.watch("SELECT name FROM organizations WHERE name LIKE 'Edit %'")) heard.postMessage(rows.flat()[0]) })()
  })
  const [edits, others] = await again.evaluate(async (count) => {
    const heard = new BroadcastChannel('heard')
    const [edits, others] = [[], []]
    const [{ id }] = await replica.organizations.list({ limit: 1 })
    for (let n = 0; n < count; n += 1) {
      const there = new Promise((resolve) => { heard.onmessage = ({ data }) => data === `Edit ${n}` && resolve() })
      const began = performance.now()
      await replica.organizations.update(id, { name: `Edit ${n}` })
      edits.push(performance.now() - began)
      await there
      others.push(performance.now() - began)
    }
    return [edits, others]
  }, EDITS)
  say('edit', median(edits), 'ms to durable', floor.edit)
  say('edit.another_tab', median(others), 'ms', floor.another)

  write((name) => name.startsWith('browser.') && !name.startsWith('browser.company.'))
} finally {
  await cleanup.end()
  await world.end()
  site.close()
}
