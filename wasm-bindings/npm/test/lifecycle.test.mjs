// Workers that crash, stand still, or are of another build; storage that is busy, full or gone.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Cleanup, World, open, pages, until } from './kit.mjs'

const USER = '01a21c3c-f929-7000-8000-000000000001'
const worker = readFileSync(new URL('../dist/worker.js', import.meta.url), 'utf8')
const [, build] = /build:(\d{9,})/.exec(worker) ?? []

/** Makes the engine's own code trap where it is given a word, or a frame: it is called with an address of nowhere. */
const TRAPS = `
const original = WebAssembly.instantiateStreaming
WebAssembly.instantiateStreaming = async (...args) => {
  const { instance, module } = await original(...args)
  const { memory } = instance.exports
  const exports = { ...instance.exports }
  exports.host_call = (host, name, nameLength, args, length) => {
    const text = new TextDecoder().decode(new Uint8Array(memory.buffer, args, length))
    return instance.exports.host_call(host, name, nameLength, text.includes('TRAP') ? 0xfffffff0 : args, length)
  }
  exports.host_received = (host, dial, bytes, length, now) => instance.exports.host_received(host, dial, globalThis.trapsFrames ? 0xfffffff0 : bytes, length, now)
  return { instance: { exports }, module }
}
`
/** Makes a worker deaf for as long as it is told, as a frozen one is. */
const FREEZES = `self.addEventListener('message', ({ data }) => { if (data.freeze) { const end = Date.now() + data.freeze; while (Date.now() < end); } })\n`

const cleanup = new Cleanup()
let site, world

before(async () => {
  site = await pages({
    '/traps.js': `${TRAPS}${worker}`,
    '/traps-frames.js': `globalThis.trapsFrames = true;${TRAPS}${worker}`,
    '/freezes.js': `${FREEZES}${worker}`,
    '/newer.js': worker.replaceAll(build ?? 'no build', '4000000000'),
    '/strict.js': { text: worker, policy: "script-src 'self'" },
    '/allowed.js': { text: worker, policy: "script-src 'self' 'wasm-unsafe-eval'" },
  })
  world = await World.begin(site.url)
})
after(async () => {
  await cleanup.end()
  await world?.end()
  site?.close()
})

const titles = (page) => page.evaluate(() => replica.tasks.list().then((all) => all.map(({ title }) => title).sort()))
const create = (page, title) => page.evaluate((title) => replica.tasks.create({ title }), title)
const codeOf = (page, title) => page.evaluate((title) => replica.tasks.create({ title }).then(() => null, ({ code }) => code), title)
const problem = (page) => page.evaluate(() => replica.status?.problem?.code ?? null)
const noticed = (page, type) => page.evaluate((type) => notices.filter((notice) => notice.type === type), type)

test('an engine that fails amid a call is started anew; the call fails, and nothing else', async () => {
  const page = await open(await cleanup.device(), site, { name: 'traps', user: USER, script: '/traps.js' })
  await create(page, 'Before')
  await page.evaluate(() => {
    globalThis.seen = []
    void (async () => { for await (const { rows } of replica.watch('SELECT title FROM tasks ORDER BY title')) seen.push(rows.flat().join()) })()
  })
  const [trapped, ...others] = await page.evaluate(() => Promise.all(['TRAP', 'A', 'B'].map((title) => replica.tasks.create({ title }).then(() => null, ({ code }) => code))))
  assert.deepEqual([trapped, others], ['crashed', [null, null]])
  await create(page, 'C')
  assert.deepEqual(await titles(page), ['A', 'B', 'Before', 'C'])
  await until('live queries go on', () => page.evaluate(() => seen.at(-1) === 'A,B,Before,C'))
  const [told] = await noticed(page, 'restarted')
  assert.match(told.because, /engine failed: /)
  assert.deepEqual(await page.evaluate(() => replica.query('SELECT * FROM pragma_integrity_check').then(({ rows }) => rows)), [['ok']])
})

test('an engine that fails on what the server sends goes on without a server, and says so', async () => {
  const page = await open(await cleanup.device(), site, { name: 'frames', token: world.token('rosa@example.com'), url: world.url, script: '/traps-frames.js' })
  await until('it gives up the server', () => page.evaluate(() => replica.status?.stopped))
  await create(page, 'Still')
  assert.deepEqual(await titles(page), ['Still'])
  assert.equal((await noticed(page, 'restarted')).length, 4)
})

test('files that another worker holds are a busy state with a name, and open by themselves', async () => {
  const context = await cleanup.device()
  const first = await open(context, site, { name: 'busy', user: USER })
  await create(first, 'There')
  await first.evaluate(() => replica.close())
  await first.evaluate(async () => {
    const script = `onmessage = async () => {
      const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('kitchen-pantry')
      const held = []
      const walk = async (folder) => { for await (const [, one] of folder) one.kind === 'directory' ? await walk(one) : held.push(await one.createSyncAccessHandle()) }
      await walk(await root.getDirectoryHandle('busy'))
      postMessage(held.length)
    }`
    globalThis.holder = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })))
    await new Promise((resolve) => { holder.onmessage = resolve; holder.postMessage(0) })
  })
  const second = open(context, site, { name: 'busy', user: USER })
  const page = await until('the second page', () => context.pages().at(-1) !== first && context.pages().at(-1))
  await until('it says that it is busy', () => page.evaluate(() => globalThis.notices?.some(({ type, code }) => type === 'problem' && code === 'busy')).catch(() => false))
  await first.evaluate(() => holder.terminate())
  await second
  assert.deepEqual(await titles(page), ['There'])
  assert.equal(await problem(page), null)
})

test('an owner that stands still is told of within seconds, and what waited is done once', async () => {
  const context = await cleanup.device()
  const first = await open(context, site, { name: 'frozen', user: USER, script: '/freezes.js' })
  const second = await open(context, site, { name: 'frozen', user: USER })
  await until('the second knows how it stands', () => second.evaluate(() => replica.status))
  await first.evaluate(() => replica.worker.postMessage({ freeze: 12_000 }))
  const edit = create(second, 'Waited')
  await until('it is said', async () => (await problem(second)) === 'owner_silent')
  assert.match((await noticed(second, 'problem'))[0].because, /does not answer/)
  const queued = await second.evaluate(() => navigator.locks.query().then(({ pending }) => pending.map(({ name }) => name)))
  assert.ok(queued.includes('kitchen-pantry:frozen'), 'it waits in line')
  await edit
  await until('it is well', async () => (await problem(second)) === null)
  assert.deepEqual([await titles(first), await titles(second)], [['Waited'], ['Waited']])
  assert.ok(await first.evaluate(() => replica.owns), 'nothing was taken from it')

  // And once more, closed while it stands still.
  await first.evaluate(() => replica.worker.postMessage({ freeze: 600_000 }))
  const again = create(second, 'Waited again')
  await until('it is said', async () => (await problem(second)) === 'owner_silent')
  await first.close()
  await again
  assert.deepEqual(await titles(second), ['Waited', 'Waited again'])
})

test('eight tabs edit, owners go in three ways, and every edit is made once by one owner at a time', async () => {
  const context = await cleanup.device()
  const tabs = await Promise.all(Array.from({ length: 8 }, () => open(context, site, { name: 'eight', user: USER })))
  const owners = async (among) => (await Promise.all(among.map((tab) => tab.evaluate(() => replica.owns)))).filter(Boolean).length
  assert.equal(await owners(tabs), 1)
  const ownerOf = async (among) => { for (const tab of among) if (await tab.evaluate(() => replica.owns)) return tab }
  const begin = (tab, n) => tab.evaluate((n) => { globalThis.made = []; globalThis.edits = (async () => { for (let i = 0; i < 20; i += 1) { await replica.tasks.create({ title: `${n}.${i}` }); made.push(`${n}.${i}`) } })(); edits.catch(() => {}) }, n)
  await Promise.all(tabs.map(begin))
  const owner = await ownerOf(tabs)
  const goneMade = await owner.evaluate(() => made)
  await owner.close()
  const left = tabs.filter((tab) => tab !== owner)
  const next = await until('another has it', () => ownerOf(left))
  const deadMade = await next.evaluate(() => { replica.worker.terminate(); return made })
  const alive = left.filter((tab) => tab !== next)
  const third = await until('a third has it', () => ownerOf(alive))
  const reloadedMade = await third.evaluate(() => made)
  await third.reload()
  const rest = alive.filter((tab) => tab !== third)
  await Promise.all(rest.map((tab) => tab.evaluate(() => edits)))
  const all = await titles(rest[0])
  assert.equal(new Set(all).size, all.length, 'none is made twice')
  const confirmed = [...goneMade, ...deadMade, ...reloadedMade, ...(await Promise.all(rest.map((tab) => tab.evaluate(() => made)))).flat()]
  assert.deepEqual(confirmed.filter((title) => !all.includes(title)), [], 'none that was confirmed is lost')
  assert.equal(await owners(rest), 1)
})

test('of two builds the newer one has the database, and the older one asks for a reload and goes on meanwhile', async () => {
  assert.ok(build, 'the build is in the worker')
  const context = await cleanup.device()
  const older = await open(context, site, { name: 'builds', user: USER })
  await create(older, 'Old')
  const newer = await open(context, site, { name: 'builds', user: USER, script: '/newer.js' })
  await until('the newer one has it', () => newer.evaluate(() => replica.owns))
  await until('the older one says so', async () => (await problem(older)) === 'newer_version')
  assert.match((await noticed(older, 'problem'))[0].because, /reload this page/)
  await create(older, 'Asked of the newer one')
  assert.deepEqual([await titles(older), await titles(newer)], [['Asked of the newer one', 'Old'], ['Asked of the newer one', 'Old']])
  // Without the newer one the older one does not take over: it says why, and does not wait for ever.
  await newer.close()
  assert.equal(await codeOf(older, 'Late'), 'other_version')
  assert.equal(await older.evaluate(() => replica.owns), false)
  const reloaded = await open(context, site, { name: 'builds', user: USER, script: '/newer.js' })
  assert.deepEqual(await titles(reloaded), ['Asked of the newer one', 'Old'])
})

test('a socket that dies in silence is dropped when the network goes, and each edit arrives once', async () => {
  const context = await cleanup.device()
  const page = await context.newPage()
  const sockets = []
  page.on('websocket', (socket) => sockets.push(socket.url()))
  await page.close()
  const token = world.token('rosa@example.com')
  const tab = await open(context, site, { name: 'silent', token, url: world.url })
  const link = () => tab.evaluate(() => replica.status?.link)
  await until('it is live', async () => (await link()) === 'live')
  await context.setOffline(true)
  await until('it is offline', async () => (await link()) === 'offline')
  for (const title of ['S1', 'S2', 'S3']) await create(tab, title)
  await context.setOffline(false)
  await until('all is sent', () => tab.evaluate(() => replica.status.unsent === 0 && replica.status.link === 'live'))
  assert.equal(world.select("SELECT count(*) FROM public.tasks WHERE title IN ('S1', 'S2', 'S3')"), '3')
  assert.ok(!sockets.some((url) => url.includes(token.slice(0, 20))), 'the token is in no address')
})

test('a database that the browser deleted is noticed at the next start, and one deleted under an open page at once', async () => {
  const context = await cleanup.device()
  const page = await open(context, site, { name: 'wiped', user: USER })
  await create(page, 'Lost')
  await until('it is noted', () => page.evaluate(() => replica.status?.unsent === 1))
  const wipe = (tab) => tab.evaluate(async () => (await navigator.storage.getDirectory()).removeEntry('kitchen-pantry', { recursive: true }))
  await page.evaluate(() => replica.close())
  await until('it is free', () => wipe(page).then(() => true, () => false))
  await page.close()
  const again = await open(context, site, { name: 'wiped', user: USER })
  const [told] = await noticed(again, 'wiped')
  assert.equal(told.unsent, 1)
  assert.match(told.because, /one edit that was not sent may be lost/)
  assert.deepEqual(await titles(again), [])

  const cdp = await context.newCDPSession(again)
  await cdp.send('Storage.clearDataForOrigin', { origin: site.url, storageTypes: 'file_systems' })
  await until('it is said', async () => (await problem(again)) === 'wiped')
  assert.equal(await codeOf(again, 'Into nothing'), 'replaced')
})

test('where the engine cannot be had, opening fails with one sentence', async () => {
  const context = await cleanup.device()
  const page = await context.newPage()
  await page.goto(site.url)
  const failed = (options) => page.evaluate(async ({ script, ...options }) => {
    const { openReplica } = await import('/pantry/index.js')
    const worker = script && (() => new Worker(script, { type: 'module' }))
    return openReplica({ name: 'door', user: '01a21c3c-f929-7000-8000-000000000001', ...options, ...(worker && { worker }) }).then(() => null, ({ code, message }) => ({ code, message }))
  }, options)
  for (const options of [{ wasm: '/an-html-page' }, { script: '/pantry/nowhere.js' }, { script: '/pantry/engine.wasm' }, { script: '/strict.js' }]) {
    const told = await failed(options)
    assert.equal(told?.code, 'no_engine', JSON.stringify(options))
    assert.match(told.message, /reload the page/)
  }
  assert.equal(await failed({ script: '/allowed.js' }), null)
})

test('in Node, without a browser, the package does nothing when it is loaded', async () => {
  const before = Object.keys(globalThis).length
  const { openReplica, PantryError } = await import('../dist/index.js')
  assert.deepEqual([typeof openReplica, typeof PantryError, Object.keys(globalThis).length], ['function', 'function', before])
})
