// The golden corpus, in a browser: what versions of the engine said and stored, over the package's own worker. The
// test plays the server. What a server decides (refusals), and how chunks are packed, is the Rust tests' matter.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Cleanup, open, pages, until } from './kit.mjs'
import { PlayedServer, ROSA, bytes, hex, revived, toFrame } from './played.mjs'

const corpora = new URL('../../../sync-core/tests/golden/', import.meta.url)
const VERSIONS = readdirSync(corpora)
const golden = (version, name) => JSON.parse(readFileSync(new URL(`${version}/${name}`, corpora), 'utf8'))
const folder = (version, name, ending = '.json') => readdirSync(new URL(`${version}/${name}`, corpora)).filter((file) => file.endsWith(ending)).map((file) => `${name}/${file}`)
const cleanup = new Cleanup()
const servers = []
let site

before(async () => { site = await pages() })
after(async () => {
  await Promise.all(servers.map((server) => server.end()))
  await cleanup.end()
  site?.close()
})

async function aServer() {
  const server = await PlayedServer.begin()
  servers.push(server)
  return server
}

/** A replica of Rosa's that speaks to a server which the test plays. */
async function played(name) {
  const server = await aServer()
  const page = await open(await cleanup.device(), site, { name, user: ROSA, token: 'rosa', url: server.url })
  return { server, page }
}
const record = (page, id) => page.evaluate((id) => replica.get(id), id)
const crashes = (page) => page.evaluate(() => notices.filter(({ type }) => type === 'restarted'))

/** The promise is that a reader finds no less; the corpus may be older than the columns. */
function holdsAll(found, expected, about) {
  for (const [key, value] of Object.entries(expected)) {
    const isJson = typeof value === 'string' && typeof found?.[key] === 'object'
    assert.deepEqual(found?.[key], isJson ? JSON.parse(value) : value, `${about}: ${key}`)
  }
}
/** The fields of which the corpus says that they are contested, with all values. */
function contestedAs(found, expected, about) {
  for (const { field, values } of expected) {
    assert.deepEqual(found.find((one) => one.field === field)?.values.map(({ value }) => value), values, `${about}: ${field}`)
  }
}

for (const version of VERSIONS) {
  test(`every document of ${version} means in a browser what it meant, in each of its forms`, async () => {
    const { server, page } = await played(`documents-${version}`)
    await server.welcomes()
    let seen = 0
    for (const name of folder(version, 'documents')) {
      const { kind, record: id, means, ...forms } = golden(version, name)
      for (const form of ['whole', 'deflated', 'lean']) {
        const item = { kind, record: bytes(id), scope: bytes(means.scope), snapshot: bytes(forms[form]), receipts: [] }
        await server.feeds({ items: [item] }, form === 'whole')
        const found = await record(page, id)
        assert.equal(found?.kind, kind, `${name}, ${form}`)
        holdsAll(found.record, means.row, `${name}, ${form}`)
        contestedAs(found.conflicts, means.conflicts, `${name}, ${form}`)
        await server.feeds({ evict_records: [bytes(id)] })
        assert.equal(await record(page, id), null)
        seen += 1
      }
    }
    assert.ok(seen >= 3 * 19, `${seen} documents`)
    assert.deepEqual(await crashes(page), [])
  })

  test(`every accepted change of ${version} leads in a browser to the row that it led to`, async () => {
    const { server, page } = await played(`changes-${version}`)
    await server.welcomes()
    let seen = 0
    for (const name of folder(version, 'changes')) {
      for (const { about, kind, record: id, before, change, verdict, row } of golden(version, name)) {
        if (!verdict.accepted || before === null) continue
        const item = { kind, record: bytes(id), scope: bytes(id), receipts: [] }
        await server.feeds({ items: [{ ...item, snapshot: bytes(before) }] })
        await server.feeds({ items: [{ ...item, changes: [bytes(change)] }] })
        const found = await record(page, id)
        assert.equal(found?.kind, kind, about)
        if (row) holdsAll(found.record, row, about)
        await server.feeds({ evict_records: [bytes(id)] })
        seen += 1
      }
    }
    assert.ok(seen >= 26, `${seen} changes`)
    assert.deepEqual(await crashes(page), [])
  })
  test(`a record that is begun in a browser begins with the genesis of ${version}`, async () => {
    const { server, page } = await played(`genesis-${version}`)
    const first = golden(version, 'genesis.json').first
    const organization_id = await page.evaluate(() => replica.organizations.create({ name: 'A' }))
    const sets = {
      organization: { name: 'B' }, contact: { organization_id, last_name: 'C' }, opportunity: { organization_id, name: 'D' }, task: { title: 'E' },
      interaction: { organization_id, interaction_type: 'CALL' }, organization_finance: { organization_id },
    }
    const ids = {}
    for (const kind of Object.keys(first)) ids[kind] = await page.evaluate(([kind, set]) => replica.create(kind, set), [kind, sets[kind] ?? {}])
    await server.welcomes()
    const pushed = new Map()
    while (pushed.size < Object.keys(first).length + 1) {
      for (const { record: id, change } of await server.accepts()) pushed.set(hex(id), hex(change))
    }
    for (const [kind, { hash }] of Object.entries(first)) assert.ok(pushed.get(ids[kind].replaceAll('-', '')).includes(hash), kind)
    await until('all is sent', () => page.evaluate(() => replica.status.unsent === 0))
  })

  test(`the frames that servers of ${version} sent crash no engine, in either packing`, async () => {
    const server = await aServer()
    const page = await (await cleanup.device()).newPage()
    await page.goto(site.url)
    for (const { about, ...frame } of golden(version, 'frames/server.json')) {
      for (const packing of ['plain', 'zlib']) {
        await page.evaluate(async ([user, url]) => {
          const { openReplica } = await import('/pantry/index.js')
          globalThis.notices = []
          globalThis.replica = await openReplica({ name: 'frames', storage: 'memory', user, url, token: async () => 'rosa', onNotice: (notice) => notices.push(notice) })
        }, [ROSA, server.url])
        await server.welcomes()
        server.send(Buffer.from(bytes(frame[packing])))
        // Whatever it says, the client then either stores the next batch or has ended the session.
        await server.feedsOrLoses()
        await page.evaluate(() => replica.query('SELECT 1'))
        assert.deepEqual(await crashes(page), [], `${about} (${packing})`)
        await page.evaluate(() => replica.close())
      }
    }
  })

  test(`what a server of ${version} told in a conversation is on a browser's device at each line`, async () => {
    for (const name of folder(version, 'conversations')) {
      const { server, page } = await played(name)
      const has = (id) => record(page, id)
      for (const line of golden(version, name).lines) {
        const { what } = line.meanwhile ?? {}
        const said = line.client?.content.message
        if (what === 'reconnected') {
          server.hangUp()
          await page.evaluate(() => replica.reconnect())
        }
        if (said === 'hello') await server.hears('hello')
        for (const { content: { message, body }, frame } of line.server) {
          // What answers this client and no other: verdicts of its changes, opinions on its questions.
          if (['verdicts', 'answer', 'pong'].includes(message)) continue
          server.send(frame.startsWith('02') ? toFrame(message, revived(body), true) : Buffer.from(bytes(frame)))
          if (message === 'feed') await server.hears('feed_ack')
          for (const { reason, scope } of body.evict ?? []) {
            assert.equal(await has(idOf(scope)), null)
            assert.ok((await page.evaluate(() => notices)).some(({ type, reasons }) => type === 'evicted' && reasons.includes(reason)), reason)
          }
          for (const { record: id, kind } of body.items ?? []) {
            if (kind === 'user') assert.equal((await page.evaluate((id) => replica.users.get(id), idOf(id)))?.full_name, 'Omar Haddad')
            else assert.equal((await has(idOf(id)))?.kind, kind)
          }
          if (message !== 'goodbye') continue
          const told = (status) => ({ bad_token: status.signIn, disabled: status.stopped, too_old: status.stopped })[body.code]
          await until(`the sentence of ${body.code}`, async () => told(await page.evaluate(() => replica.status))?.includes(body.sentence))
          if (body.code === 'disabled') assert.deepEqual(await page.evaluate(() => replica.query('SELECT id FROM organizations').then(({ rows }) => rows)), [])
        }
      }
      assert.deepEqual(await crashes(page), [])
      }
  })

  test(`files that devices of ${version} left open in a browser, and show what they showed`, async () => {
    for (const name of folder(version, 'devices')) {
      const { app } = golden(version, name)
      if (!app) continue
      const file = readFileSync(new URL(`${version}/${name.replace(/json$/, 'sqlite')}`, corpora))
      const page = await (await cleanup.device()).newPage()
      await page.goto(site.url)
      await page.evaluate(lay, [name, file.toString('base64')])
      const shown = await page.evaluate(async ([name, words, tables]) => {
        const { openReplica } = await import('/pantry/index.js')
        globalThis.replica = await openReplica({ name })
        const { replica: id, user } = await replica.call('about', {})
        const search = Object.fromEntries(await Promise.all(words.map(async (word) => [word, (await replica.search(word)).map(({ id }) => id).sort()])))
        const rows = Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await replica.query(`SELECT * FROM ${table} ORDER BY id`)])))
        return { id, user, search, rows, conflicts: await replica.conflicts(), quarantine: await replica.quarantine(), status: replica.status }
      }, [name, Object.keys(app.search), Object.keys(app.tables)])
      assert.deepEqual([shown.id, shown.user], [app.replica, app.user], name)
      assert.deepEqual(shown.search, Object.fromEntries(Object.entries(app.search).map(([word, ids]) => [word, [...ids].sort()])), name)
      for (const [table, rows] of Object.entries(app.tables)) {
        const { columns, rows: found } = shown.rows[table]
        const objects = found.map((row) => Object.fromEntries(columns.map((column, n) => [column, row[n]])))
        rows.forEach((row) => holdsAll(objects.find(({ id }) => id === row.id), row, `${name}, ${table} ${row.id}`))
        assert.equal(objects.length, rows.length, `${name}, ${table}`)
      }
      for (const [id, fields] of Object.entries(app.conflicts)) contestedAs(shown.conflicts.filter((one) => one.id === id), Object.entries(fields).map(([field, values]) => ({ field, values })), name)
      assert.deepEqual(shown.quarantine.map(({ hash, code, record, policy }) => [hash, code, record, policy]), app.quarantine.map(({ change, code, record, policy }) => [change, code, record, policy]), name)
      for (const key of ['conflicts', 'records', 'refused', 'unsent']) assert.equal(shown.status[key], app.status[key], `${name}, ${key}`)
    }
  })
}

const idOf = (value) => value.hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')

/** Puts a file of SQLite where the package keeps a database: a header with its name, and then its pages. */
async function lay([name, base64]) {
  const all = await (await navigator.storage.getDirectory()).getDirectoryHandle('kitchen-pantry', { create: true })
  const pool = await all.getDirectoryHandle(encodeURIComponent(name), { create: true })
  const slot = await (await pool.getDirectoryHandle('.opaque', { create: true })).getFileHandle('corpus', { create: true })
  const pages = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  // Another journal than files on a disk have; there is nothing left in theirs.
  pages.set([1, 1], 18)
  const header = new Uint8Array(4096)
  header.set(new TextEncoder().encode('/pantry.db'))
  const MAIN_DB = 0x106
  new DataView(header.buffer).setUint32(512, MAIN_DB)
  const writable = await slot.createWritable()
  await writable.write(header)
  await writable.write(pages)
  await writable.close()
}
