// A browser that has no more room.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Cleanup, World, open, pages, until } from './kit.mjs'

const cleanup = new Cleanup()
let site, world
before(async () => {
  site = await pages()
  world = await World.begin(site.url)
})
after(async () => {
  await cleanup.end()
  await world?.end()
  site?.close()
})

test('storage that is full is named; reading and sending go on, and edits again once there is room, without a reload', async () => {
  const context = await cleanup.device()
  const page = await open(context, site, { name: 'full', token: world.token('rosa@example.com'), url: world.url })
  await until('it is live', () => page.evaluate(() => replica.status?.link === 'live'))
  await context.setOffline(true)
  await until('it is offline', () => page.evaluate(() => replica.status?.link === 'offline'))
  const cdp = await context.newCDPSession(page)
  const { usage } = await page.evaluate(() => navigator.storage.estimate())
  const quota = (bytes) => cdp.send('Storage.overrideQuotaForOrigin', { origin: site.url, ...(bytes && { quotaSize: bytes }) })
  await quota(usage + 3_000_000)
  const told = await page.evaluate(async () => {
    const letters = () => Array.from(crypto.getRandomValues(new Uint8Array(3000)), (byte) => String.fromCharCode(97 + (byte % 26))).join('')
    for (let n = 0; n < 3000; n += 1) {
      const failed = await replica.tasks.create({ title: `Full ${n}`, description: letters() }).then(() => null, ({ code, message }) => ({ code, message }))
      if (failed) return { ...failed, made: n }
    }
    return null
  })
  assert.equal(told?.code, 'storage_full', JSON.stringify(told))
  const count = () => page.evaluate(() => replica.query("SELECT count(*) FROM tasks WHERE title LIKE 'Full %'").then(({ rows }) => rows[0][0]))
  assert.equal(await count(), told.made, 'nothing half-written')
  assert.equal(await page.evaluate(() => replica.status.problem?.code), 'storage_full')
  await context.setOffline(false)
  await until('what waited is sent', () => page.evaluate(() => replica.status.unsent === 0))
  assert.equal(world.select("SELECT count(*) FROM public.tasks WHERE title LIKE 'Full %'"), String(told.made))
  await quota(null)
  await until('there is room', () => page.evaluate(() => replica.status.problem === null))
  await page.evaluate(() => replica.tasks.create({ title: 'Full of room' }))
  assert.equal(await count(), told.made + 1)
  assert.deepEqual(await page.evaluate(() => replica.query('SELECT * FROM pragma_integrity_check').then(({ rows }) => rows)), [['ok']])
})
