// Windows that the browser freezes or puts away, and lines that go silent: nothing is lost, stolen or made twice.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { Chromium, openIn } from './chromium.mjs'
import { Cleanup, World, open, pages, until } from './kit.mjs'

const user = '01a21c3c-f929-7000-8000-000000000001'
const cleanup = new Cleanup()
let chromium, site, world, relay

before(async () => {
  site = await pages()
  world = await World.begin(site.url)
  chromium = await Chromium.begin()
})
after(async () => {
  await chromium?.end()
  relay?.kill('SIGKILL')
  await cleanup.end()
  await world?.end()
  site?.close()
})

const titles = (page) => page.evaluate(() => replica.tasks.list().then((all) => all.map(({ title }) => title).sort()))
const create = (page, title) => page.evaluate((title) => replica.tasks.create({ title }), title)
const problem = (page) => page.evaluate(() => replica.problem?.code ?? null)
const owns = (page) => page.evaluate(() => replica.owns)
/** Who has the database, and who waits for it, as the browser says. */
const locks = (page, name) => page.evaluate((name) => navigator.locks.query().then(({ held, pending }) => [held, pending].map((all) => all.filter((one) => one.name === `kitchen-pantry:${name}`).length)), name)

test('an owner that the browser froze is told of within seconds; nothing is taken from it, and what waited is done once', async () => {
  const [first, second] = [await openIn(chromium, site, { name: 'frozen', user }), await openIn(chromium, site, { name: 'frozen', user })]
  assert.deepEqual([await owns(first), await owns(second)], [true, false])
  await first.lifecycle('frozen')
  const edit = create(second, 'Waited')
  await until('it is said', async () => (await problem(second)) === 'owner_silent')
  assert.deepEqual(await locks(second, 'frozen'), [1, 1], 'it waits in line')
  await first.lifecycle('active')
  await edit
  await until('it is well', async () => (await problem(second)) === null)
  assert.deepEqual([await titles(first), await titles(second), await owns(first)], [['Waited'], ['Waited'], true])

  await first.lifecycle('frozen')
  const again = create(second, 'Waited again')
  await until('it is said once more', async () => (await problem(second)) === 'owner_silent')
  await first.close()
  await again
  assert.deepEqual([await titles(second), await owns(second)], [['Waited', 'Waited again'], true])
  await second.close()
})

test('an owner that was left for another page and comes back out of the cache goes on with its live queries', async () => {
  const page = await openIn(chromium, site, { name: 'cached', user })
  await create(page, 'Before')
  await page.evaluate(() => {
    globalThis.seen = []
    void (async () => { for await (const { rows } of replica.watch('SELECT title FROM tasks ORDER BY title')) seen.push(rows.flat().join()) })()
    addEventListener('pageshow', ({ persisted }) => { globalThis.cameBack = persisted })
  })
  await page.goto(site.url.replace('127.0.0.1', 'localhost'))
  await page.back()
  assert.equal(await page.evaluate(() => globalThis.cameBack), true, 'the browser kept the page')
  await create(page, 'After')
  await until('live queries go on', () => page.evaluate(() => seen.at(-1) === 'After,Before'))
  assert.deepEqual([await owns(page), await locks(page, 'cached')], [true, [1, 0]])
  assert.deepEqual(await page.evaluate(() => replica.query('SELECT * FROM pragma_integrity_check').then(({ rows }) => rows)), [['ok']])
  await page.close()
})

test('an owner that was left while another window waits gives way, and coming back it takes nothing', async () => {
  const [first, second] = [await openIn(chromium, site, { name: 'left', user }), await openIn(chromium, site, { name: 'left', user })]
  await create(first, 'Before')
  await first.goto(site.url.replace('127.0.0.1', 'localhost'))
  await create(second, 'Meanwhile')
  assert.ok(await owns(second))
  await first.back()
  const isAlive = await first.evaluate(() => Boolean(globalThis.replica))
  if (isAlive) await create(first, 'Back')
  await create(second, 'After')
  assert.deepEqual(await titles(second), ['Before', 'Meanwhile', 'After', ...(isAlive ? ['Back'] : [])].sort())
  assert.ok(await owns(second), 'nothing was taken from it')
  await Promise.all([first.close(), second.close()])
})

/** Passes on what comes, in a process of its own, which can be stopped as a network stops: without a word. */
const RELAY = `
  const net = require('node:net')
  const server = net.createServer((near) => {
    const far = net.connect(Number(process.argv[1]), '127.0.0.1')
    for (const [one, other] of [[near, far], [far, near]]) one.pipe(other).on('error', () => {})
    near.on('error', () => {})
  }).listen(0, '127.0.0.1', () => console.log(server.address().port))`

test('a line that goes silent is given up by its heartbeat, and what is made meanwhile arrives once when the line speaks again', async () => {
  relay = spawn(process.execPath, ['-e', RELAY, String(world.port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(relay.stdout, 'data')
  const page = await open(await cleanup.device(), site, { name: 'silent', token: world.token('rosa@example.com'), url: `ws://127.0.0.1:${Number(port)}/sync` })
  const link = () => page.evaluate(() => replica.status?.link)
  await until('it is live', async () => (await link()) === 'live')
  relay.kill('SIGSTOP')
  for (const title of ['Silent 1', 'Silent 2', 'Silent 3']) await create(page, title)
  await until('it says that it is offline', async () => (await link()) === 'offline')
  assert.equal(await page.evaluate(() => replica.status.unsent), 3)
  relay.kill('SIGCONT')
  await until('all is sent', () => page.evaluate(() => replica.status.unsent === 0 && replica.status.link === 'live'))
  assert.equal(world.select("SELECT count(*) FROM public.tasks WHERE title LIKE 'Silent %'"), '3')
})
