// What an app needs every day: edits made together, erasing, the rescue file, storage, sign-ins.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Cleanup, World, open, pages, until } from './kit.mjs'

const USER = '01a21c3c-f929-7000-8000-000000000001'
/** Workers in which something is missing, as in private windows and old browsers. */
const LACKING = {
  folder: 'delete Object.getPrototypeOf(navigator.storage).getDirectory',
  refused: "Object.getPrototypeOf(navigator.storage).getDirectory = async () => { throw new DOMException('not here', 'SecurityError') }",
  locks: 'delete Object.getPrototypeOf(navigator).locks',
}
const cleanup = new Cleanup()
let site, world

before(async () => {
  const worker = readFileSync(new URL('../dist/worker.js', import.meta.url), 'utf8')
  site = await pages(Object.fromEntries(Object.entries(LACKING).map(([name, lack]) => [`/lacking/${name}.js`, `${lack};${worker}`])))
  world = await World.begin(site.url)
})
after(async () => {
  await cleanup.end()
  await world?.end()
  site?.close()
})

const failure = (page, what) => page.evaluate(`(async () => { try { await (${what})() ; return null } catch ({ code, message }) { return { code, message } } })()`)
const unsent = (page) => page.evaluate(() => replica.status?.unsent)

test('a transaction makes all of its edits or none, and one record once', async () => {
  const page = await open(await cleanup.device(), site, { name: 'tx', user: USER })
  const id = await page.evaluate(() => replica.transaction(async (tx) => {
    const account = tx.organizations.create({ name: 'Café Zoë', tags: ['patio'], custom_fields: { Gate: '2' } })
    tx.contacts.create({ organization_id: account, first_name: 'Zoë', last_name: 'Kim' })
    await replica.organizations.list()
    tx.organizations.update(account, { priority_level: 'A', tags: { add: ['dog'], remove: ['patio'] }, custom_fields: { Floor: '1' }, notes: 'Ring twice.' })
    return account
  }))
  const account = await page.evaluate((id) => replica.organizations.get(id), id)
  assert.deepEqual([account.priority_level, account.tags, account.custom_fields, account.notes], ['A', ['dog'], { Gate: '2', Floor: '1' }, 'Ring twice.'])
  assert.equal(await page.evaluate(() => replica.contacts.list().then((all) => all[0].full_name)), 'Zoë Kim')

  assert.equal((await failure(page, `() => replica.transaction((tx) => { tx.tasks.create({ title: 'A' }); tx.tasks.create({ title: 'B', priority: 'soon' }) })`)).code, 'bad_edit')
  assert.match((await failure(page, `() => replica.transaction((tx) => { tx.tasks.create({ title: 'A' }); throw new Error('no') })`)).message, /^no$/)
  assert.deepEqual(await page.evaluate(() => replica.tasks.list()), [])
  assert.equal((await failure(page, `async () => { let late; await replica.transaction((tx) => { late = tx }); late.tasks.create({ title: 'A' }) }`)).code, 'bad_call')
})

test('erasing is refused while edits are unsent, and takes everything off the device and closes every tab', async () => {
  const context = await cleanup.device()
  const rosa = { name: 'rosa@example.com', token: world.token('rosa@example.com') }
  const [first, second] = [await open(context, site, rosa), await open(context, site, rosa)]
  await second.evaluate(() => replica.tasks.create({ title: 'Secret' }))
  const refused = await failure(second, '() => replica.erase()')
  assert.equal(refused.code, 'unsent')
  assert.match(refused.message, /one edit is on this device only/)
  assert.equal(await second.evaluate(() => replica.tasks.list().then((all) => all.length)), 1)

  await second.evaluate(() => replica.erase({ evenUnsent: true }))
  for (const tab of [first, second]) await until('every tab is closed', async () => (await failure(tab, '() => replica.tasks.list()'))?.code === 'erased')
  const left = await first.evaluate(async () => {
    const names = []
    const walk = async (folder) => { for await (const [name, one] of folder) { names.push(name); if (one.kind === 'directory') await walk(one) } }
    await walk(await navigator.storage.getDirectory())
    return names
  })
  assert.deepEqual(left, ['kitchen-pantry'])
  const anew = await open(context, site, rosa)
  assert.deepEqual(await anew.evaluate(() => replica.tasks.list()), [])
})

test('what a browser keeps of others is listed, with what is unsent, and can be saved and erased by its name', async () => {
  const page = await open(await cleanup.device(), site, { name: 'rosa of Élan/3', user: USER })
  await page.evaluate(() => replica.tasks.create({ title: 'Unsent' }))
  await until('it is noted', () => page.evaluate(() => replica.status?.unsent === 1))
  await page.evaluate(() => replica.close())
  const told = await page.evaluate(async () => {
    const { keptReplicas, openReplica } = await import('/pantry/index.js')
    const before = await keptReplicas()
    const theirs = await openReplica({ name: before[0].name })
    const { edits } = await theirs.exportRescue()
    await theirs.erase({ evenUnsent: true })
    return { before, edits, after: await keptReplicas() }
  })
  assert.deepEqual(told, { before: [{ name: 'rosa of Élan/3', unsent: 1 }], edits: 1, after: [] })
})

test('unsent and refused edits survive in a rescue file, and another device sends them', async () => {
  const rosa = { name: 'rosa', token: world.token('rosa@example.com') }
  const page = await open(await cleanup.device(), site, rosa)
  const id = await page.evaluate(() => replica.organizations.create({ name: 'Saved', notes: 'Ring twice.' }))
  await page.evaluate((id) => replica.organizations.update(id, { priority_level: 'B' }), id)
  const saved = await page.evaluate(() => replica.exportRescue().then(async ({ file, ...rest }) => ({ text: await file.text(), ...rest })))
  assert.deepEqual([saved.edits, saved.unreadable], [2, 0])

  const other = await open(await cleanup.device(), site, { ...rosa, url: world.url })
  assert.equal((await failure(other, '() => replica.importRescue("nonsense")')).code, 'bad_file')
  const preview = await other.evaluate((text) => replica.previewRescue(text), saved.text)
  assert.deepEqual([preview.unsent, preview.there, preview.left, preview.records.length > 0], [2, 0, [], true])
  assert.ok(preview.records.every(({ kind, title, did, fields }) => kind && title !== undefined && did && Array.isArray(fields)))
  assert.deepEqual(await other.evaluate((text) => replica.importRescue(new Blob([text])), saved.text), { unsent: 2, there: 0, left: [] })
  assert.deepEqual(await other.evaluate((text) => replica.importRescue(text), saved.text), { unsent: 0, there: 2, left: [] })
  await until('they are sent', async () => (await unsent(other)) === 0)
  assert.equal(world.select(`SELECT priority_level || notes FROM public.organizations WHERE id = '${id}'`), 'BRing twice.')

  const omar = await open(await cleanup.device(), site, { name: 'omar', token: world.token('omar@example.com') })
  assert.equal((await failure(omar, `() => replica.importRescue(${JSON.stringify(saved.text)})`)).code, 'bad_file')
})

test('the status says how many edits are on this device only, and since when', async () => {
  const page = await open(await cleanup.device(), site, { name: 'alone', user: USER })
  const told = await page.evaluate(async () => {
    const began = Date.now()
    await replica.tasks.create({ title: 'First' })
    await replica.tasks.create({ title: 'Second' })
    const { unsent, oldestUnsent, storage } = await new Promise((resolve) => replica.onStatus((status) => status.unsent === 2 && resolve(status)))
    return { unsent, storage, since: oldestUnsent >= began && oldestUnsent <= Date.now() }
  })
  assert.deepEqual(told, { unsent: 2, storage: 'opfs', since: true })
  const storage = await page.evaluate(() => replica.storage())
  assert.equal(storage.mode, 'opfs')
  assert.equal(typeof storage.persisted, 'boolean')
  assert.ok(storage.usage > 0 && storage.quota > storage.usage)
  assert.equal(storage.evictionRisk === null, storage.persisted)
})

test('a browser asked to keep what is here is asked once something was edited, and once', async () => {
  const page = await open(await cleanup.device(), site, { name: 'kept', user: USER }, () => {
    globalThis.asked = 0
    navigator.storage.persist = async () => { globalThis.asked += 1; return true }
  })
  assert.equal(await page.evaluate(() => asked), 0)
  await page.evaluate(() => replica.tasks.create({ title: 'A' }).then(() => replica.tasks.create({ title: 'B' })))
  assert.equal(await page.evaluate(() => asked), 1)
})

for (const why of Object.keys(LACKING)) {
  test(`without what keeps it (${why}) a replica works in memory and says so`, async () => {
    const page = await (await cleanup.device()).newPage()
    await page.goto(site.url)
    const told = await page.evaluate(async (why) => {
      const { openReplica } = await import('/pantry/index.js')
      const early = []
      const worker = () => new Worker(`/lacking/${why}.js`, { type: 'module' })
      const replica = await openReplica({ name: 'private', user: '01a21c3c-f929-7000-8000-000000000001', worker, onNotice: (notice) => early.push(notice) })
      await replica.tasks.create({ title: 'Still' })
      const status = await new Promise((resolve) => replica.onStatus((status) => status.unsent === 1 && resolve(status)))
      return { tasks: (await replica.tasks.list()).length, mode: status.storage, storage: await replica.storage(), early, owns: replica.owns }
    }, why)
    assert.deepEqual([told.tasks, told.mode, told.storage.mode, told.owns], [1, 'memory', 'memory', true])
    assert.deepEqual(told.early.map(({ type }) => type), ['memory'])
    assert.match(told.storage.evictionRisk, /lost when the page is closed/)
    const kept = await page.evaluate(async (why) => {
      const { openReplica } = await import('/pantry/index.js')
      const worker = () => new Worker(`/lacking/${why}.js`, { type: 'module' })
      return openReplica({ name: 'private', user: '01a21c3c-f929-7000-8000-000000000001', worker, storage: 'opfs' }).then(() => null, ({ code }) => code)
    }, why)
    assert.equal(kept, 'no_storage', 'where memory is not allowed')
  })
}

test('a sign-in that lapsed locks nothing: the status says that one is needed, and another goes on', async () => {
  const context = await cleanup.device()
  const token = world.token('rosa@example.com')
  const lapsed = `${token.slice(0, -6)}AAAAAA`
  const page = await open(context, site, { name: 'lapsed', token: lapsed, url: world.url })
  const id = await page.evaluate(() => replica.tasks.create({ title: 'Made signed out' }))
  await until('it says so', () => page.evaluate(() => replica.status?.signIn))
  assert.equal((await page.evaluate((id) => replica.tasks.get(id), id)).title, 'Made signed out')
  assert.deepEqual(await page.evaluate(() => [replica.status.unsent, replica.status.stopped, notices.some(({ type }) => type === 'sign_in')]), [1, null, true])
  // Signed out altogether, it opens without asking anybody who they are.
  await page.close()
  const out = await open(context, site, { name: 'lapsed', token: null, url: world.url })
  assert.equal((await out.evaluate((id) => replica.tasks.get(id), id)).title, 'Made signed out')
  await until('it says so again', () => out.evaluate(() => replica.status?.signIn))
  await out.evaluate((fresh) => { globalThis.token = fresh; return replica.reconnect() }, token)
  await until('it is sent', async () => (await unsent(out)) === 0)
  assert.equal(await out.evaluate(() => replica.status.signIn), null)
})

test('a refused edit is told with its name, under which it is kept', async () => {
  const context = await cleanup.device()
  const mia = await open(await cleanup.device(), site, { name: 'mia', token: world.token('mia@example.com'), url: world.url })
  const account = await mia.evaluate(() => replica.organizations.create({ name: 'Mine' }))
  await until('it is there', async () => (await unsent(mia)) === 0)
  const page = await open(context, site, { name: 'rosa', token: world.token('rosa@example.com'), url: world.url })
  await page.evaluate((account) => replica.contacts.create({ organization_id: account, first_name: 'A', last_name: 'B' }), account)
  const told = await until('it is refused', () => page.evaluate(() => notices.find(({ type }) => type === 'refused')))
  const [kept] = await page.evaluate(() => replica.quarantine())
  assert.deepEqual([told.edits[0].hash, told.edits[0].code], [kept.hash, kept.code])
  assert.match(told.edits[0].sentence, / /)
})

test('every code of the engine is one that an app can read about', () => {
  const rust = ['calls', 'failure', 'files', 'rescue', 'host'].map((file) => readFileSync(new URL(`../../src/${file}.rs`, import.meta.url), 'utf8')).join('\n')
  const known = readFileSync(new URL('../src/errors.ts', import.meta.url), 'utf8')
  const codes = [...rust.matchAll(/(?:=> |Failure::new\(\s*|Self::new\(\s*|_ => )"(?<code>[a-z_]+)"/g)].map(({ groups }) => groups.code)
  assert.ok(codes.length > 15, `${codes}`)
  assert.deepEqual(codes.filter((code) => !known.includes(`'${code}'`)), [])
})
