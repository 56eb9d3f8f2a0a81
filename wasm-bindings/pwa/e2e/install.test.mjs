// What a phone needs to install the app, and what an address opens.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Person, SeededOffice } from './kit.mjs'
import { SCREENS } from './screens.mjs'

let office
let rosa
before(async () => {
  office = await SeededOffice.open()
  rosa = await Person.at(office, 'rosa')
  await rosa.hasEverything()
})
after(() => office?.end())

test('every screen opens by its own address, with and without a server', async () => {
  const paths = []
  for (const { path } of SCREENS) paths.push(typeof path === 'string' ? path : await path(rosa))
  await rosa.isKept()
  for (const path of paths) {
    await rosa.go(path)
    assert.equal(new URL(rosa.page.url()).pathname, path)
  }
  await office.stop()
  for (const path of paths) await rosa.go(path)
  await office.start()
  assert.deepEqual(rosa.problems, [])
})

test('the manifest names the app, and every icon is as large as it says', async () => {
  const manifest = await (await fetch(`${office.site}/manifest.webmanifest`)).json()
  assert.equal(manifest.name, 'Kitchen Pantry CRM')
  assert.equal(manifest.display, 'standalone')
  assert.ok(manifest.icons.some(({ purpose }) => purpose === 'maskable'))
  for (const { src, sizes } of [...manifest.icons, ...manifest.shortcuts.flatMap(({ icons }) => icons)]) {
    const bytes = Buffer.from(await (await fetch(office.site + src)).arrayBuffer())
    // Width and height stand in the first chunk of a PNG.
    assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes, src)
  }
  for (const { url } of [{ url: manifest.start_url }, ...manifest.shortcuts]) {
    await rosa.go(url)
    assert.equal(await rosa.page.locator('[data-test=nowhere]').count(), 0, url)
  }
})

test('everything that a start without a network needs is kept, the engine too', async () => {
  const kept = await rosa.page.evaluate(async () => {
    const names = await caches.keys()
    const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))
    return all.flat().map(({ url }) => new URL(url).pathname)
  })
  for (const needed of [/^\/index\.html$/, /engine.*\.wasm$/, /worker.*\.js$/, /\.css$/]) assert.ok(kept.some((path) => needed.test(path)), String(needed))
})

test('the token of a link is kept out of the address and of what is asked of servers', async () => {
  const asked = []
  rosa.page.on('request', (request) => asked.push(request.url()))
  const token = office.token(`rosa@${office.domain}`)
  await rosa.page.goto(`${office.site}/sign-in#token=${token}`)
  await rosa.page.waitForSelector('[data-test=sync-chip]')
  assert.equal(new URL(rosa.page.url()).hash, '')
  assert.ok(asked.length > 0)
  assert.deepEqual(asked.filter((url) => url.split('#')[0].includes(token)), [])
})
