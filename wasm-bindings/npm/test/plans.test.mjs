// Several browsers and a server that follow a plan drawn from a seed: edits, networks and workers that go, tabs, a
// server that dies, accounts that change hands. In the end every browser holds what the native device of the same
// user holds that syncs then for the first time: the same rows, and documents of the same changes. SEEDS=1,2,3
// names the plans; each line that was done is printed when one goes wrong.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Cleanup, World, open, pages, until } from './kit.mjs'

const SEEDS = (process.env.SEEDS ?? '1,2').split(',').map(Number)
const LINES = 60
const root = new URL('../../..', import.meta.url).pathname
const pantry = join(process.env.PANTRY_PROGRAMS ?? join(root, 'target/quick'), 'pantry')
const { kinds } = JSON.parse(readFileSync(join(root, 'docs/fields.json'), 'utf8'))
/** The tables of records that people edit. */
const TABLES = kinds.map(({ table }) => table).filter((table) => !['users', 'territories'].includes(table))
/** Numbers that follow from a seed. It is sent to pages as it stands. */
const drawnFrom = (seed) => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return { next, below: (most) => next() % most, pick: (all) => all[next() % all.length] }
}

let site
before(async () => { site = await pages() })
after(() => site?.close())

/** One edit, within a page, that follows from a number; what it was, or why there was none. */
async function edit([draw, seed]) {
  const random = new Function(`return (${draw})`)()(seed)
  const ids = async (table, which = 'NOT is_deleted') => (await replica.query(`SELECT id FROM ${table} WHERE ${which} ORDER BY id`)).rows.flat()
  const one = async (table, which) => random.pick(await ids(table, which))
  const word = () => `${random.pick(['Blue', 'Old', 'Zoë', 'Lao', '🍜'])} ${random.below(1000)}`
  const fields = () => random.pick([
    { name: word() }, { cuisine: word() }, { priority_level: random.pick(['A', 'B', 'C', 'D']) }, { tags: { add: [word()], remove: [word()] } }, { notes: word() },
    { custom_fields: { [random.pick(['Gate', 'Floor'])]: word() } }, { billing_address: { street: word(), city: 'Utica' } }, { phones: { add: [`+1315555${1000 + random.below(9000)}`] } },
    { employee_count: random.below(90), website: `https://${random.below(99)}.example` }, { cuisine: null },
  ])
  const account = await one('organizations')
  const acts = {
    begin: () => replica.transaction((tx) => {
      const id = tx.organizations.create({ name: word(), tags: [word()] })
      tx.contacts.create({ organization_id: id, last_name: word() })
      tx.tasks.create({ title: word(), organization_id: id })
    }),
    change: () => replica.organizations.update(account, fields()),
    again: () => replica.organizations.update(account, fields()),
    deal: () => replica.opportunities.create({ organization_id: account, name: word(), estimated_value: { minor: random.below(100000), currency: 'USD' } }),
    move: async () => replica.opportunities.update(await one('opportunities'), random.pick([{ stage: 'proposal' }, { stage: 'negotiation' }, { stage: 'closed-lost: too dear' }, { name: word() }, { description: word() }])),
    task: async () => replica.tasks.update(await one('tasks'), random.pick([{ priority: random.pick(['low', 'high']) }, { description: word() }, { title: word() }])),
    remove: async () => replica.tasks.delete(await one('tasks')),
    restore: async () => replica.tasks.restore(await one('tasks', 'is_deleted')),
    settle: async () => {
      const contested = random.pick(await replica.conflicts())
      await replica.settle(contested.id, contested.field, random.pick(contested.values).value)
    },
    undo: async () => replica.undo(account, random.pick(await replica.history(account)).hash),
  }
  const name = account ? random.pick([...Object.keys(acts), 'begin', 'change', 'change']) : 'begin'
  try {
    await acts[name]()
    return name
  } catch (error) {
    // There is none of what it was about, or the engine says that it may not be.
    const mayBe = error instanceof TypeError || ['bad_edit', 'nothing_to_do', 'unknown_record', 'bad_call'].includes(error.code)
    if (!mayBe) throw error
    return `no ${name}: ${error.message}`
  }
}

/** All that is on a device: its rows, and the changes of every record. */
async function shown(tables) {
  const all = {}
  for (const table of tables) {
    const { columns, rows } = await replica.query(`SELECT * FROM ${table} ORDER BY id`)
    all[table] = rows.map((row) => Object.fromEntries(columns.map((column, n) => [column, row[n]])))
  }
  const changes = {}
  for (const { id } of Object.values(all).flat()) changes[id] = (await replica.history(id, 10_000)).filter(({ state }) => state === 'accepted').map(({ hash }) => hash).sort()
  return { rows: all, changes }
}

/** A browser of somebody's, with its tabs. */
class Device {
  tabs = []
  isOnline = true
  constructor(context, options) { Object.assign(this, { context, options }) }
  get page() { return this.tabs.at(-1) }
  async switch(isOnline) {
    this.isOnline = isOnline
    await this.context.setOffline(!isOnline)
  }
  /** Pages come over the network too. */
  async tab() {
    await this.context.setOffline(false)
    this.tabs.push(await open(this.context, site, this.options))
    await this.switch(this.isOnline)
  }
  async leave() {
    if (this.tabs.length < 2) return this.tab()
    // Whoever takes over loads the engine; an app's service worker has it without a network, these pages have none.
    await this.context.setOffline(false)
    await this.tabs.shift().close()
    await until('the other tab has it', () => this.page.evaluate(() => replica.owns))
    await this.switch(this.isOnline)
  }
  /** Its worker goes at once, with whatever it is writing. */
  async kill() {
    const lost = this.tabs.pop()
    void lost.evaluate(() => { void replica.tasks.create({ title: 'Amid' }).catch(() => {}); replica.worker.terminate() }).catch(() => {})
    await lost.close()
    await this.tab()
  }
}

/** The manager gives an account to one of her reps. */
function give(world, random) {
  const all = world.select('SELECT id FROM organizations ORDER BY id').split('\n').filter(Boolean)
  if (all.length > 0) world.run('assign', '--where', `id = '${random.pick(all)}'`, '--to', random.pick(['rosa@example.com', 'omar@example.com']), '--as', 'mia@example.com')
}

/** What a native device shows of its user's records once it has synced. */
function native(folder, token, url) {
  const run = (...args) => execFileSync(pantry, ['--json', '--db', join(folder, 'native.db'), ...args], { encoding: 'utf8' }).trim().split('\n').filter(Boolean).map((line) => JSON.parse(line))
  run('init', '--token', token)
  run('sync', '--server', url, '--token', token)
  const rows = Object.fromEntries(TABLES.map((table) => [table, run('query', `SELECT * FROM ${table} ORDER BY id`)]))
  const changes = {}
  for (const { id } of Object.values(rows).flat()) changes[id] = run('history', id).map(({ change }) => change).sort()
  return { rows, changes }
}

for (const seed of SEEDS) {
  test(`browsers that followed plan ${seed} hold what a native device holds`, async () => {
    const cleanup = new Cleanup()
    const world = await World.begin(site.url)
    const folders = []
    const log = []
    try {
      const names = ['rosa', 'rosa', 'omar', 'mia']
      const devices = await Promise.all(names.map(async (name) => new Device(await cleanup.device(), { name, token: world.token(`${name}@example.com`), url: world.url })))
      for (const device of devices) await device.tab()
      const random = drawnFrom(seed)
      let isUp = true
      let edits = 0
      for (let n = 0; n < LINES; n += 1) {
        const at = random.below(devices.length)
        const device = devices[at]
        const what = random.pick(['offline', 'online', 'online', 'tab', 'kill', 'server', 'give', ...Array(16).fill('edit')])
        if (what === 'edit') log.push(`${n} device ${at}: ${await device.page.evaluate(edit, [String(drawnFrom), random.next()])}`)
        else {
          log.push(`${n} device ${at}: ${what}`)
          if (what === 'server') {
            isUp = !isUp
            await (isUp ? world.start() : world.stop())
          } else if (what === 'tab') await device.leave()
          else if (what === 'give') give(world, random)
          else if (what === 'kill') await device.kill()
          else await device.switch(what === 'online')
        }
        if (what === 'edit' && !log.at(-1).includes('no ')) edits += 1
      }
      assert.ok(edits > LINES / 3, `${edits} edits`)
      if (!isUp) await world.start()
      for (const device of devices) await device.switch(true)
      for (const { page } of devices) {
        await page.evaluate(() => replica.reconnect())
        await until('all is sent', () => page.evaluate(() => replica.status?.unsent === 0 && replica.status.link === 'live'))
      }
      for (const name of new Set(names)) {
        const folder = mkdtempSync(join(tmpdir(), 'pantry-native-'))
        folders.push(folder)
        const wanted = native(folder, world.token(`${name}@example.com`), world.url)
        for (const { page } of devices.filter(({ options }) => options.name === name)) {
          const isSame = async () => JSON.stringify(await page.evaluate(shown, TABLES).then(sorted)) === JSON.stringify(sorted(wanted))
          await until(`${name} has everything`, isSame).catch(async () => assert.deepEqual(sorted(await page.evaluate(shown, TABLES)), sorted(wanted)))
        }
        assert.ok(name !== 'mia' || wanted.rows.organizations.length > 0, 'there is something to compare')
      }
    } catch (error) {
      console.error(log.join('\n'))
      throw error
    } finally {
      await cleanup.end()
      await world.end()
      folders.forEach((folder) => rmSync(folder, { recursive: true, force: true }))
    }
  })
}

/** With keys in order, so that two of them can be compared as text. */
const sorted = (value) => {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]))
}
