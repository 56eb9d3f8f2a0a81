// Background Sync, as far as Chromium without a screen has it: it registers, and DevTools can dispatch the event; by
// itself it never does.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, Person, until } from './kit.mjs'

let office
before(async () => { office = await Office.open() })
after(() => office?.end())

test('what waits is registered with the browser, whose word that there is a network sends it', async () => {
  const rosa = await Person.at(office, 'rosa')
  await rosa.isKept()
  await office.stop()
  await until('the line is lost', async () => (await rosa.status()).link === 'offline')
  await acts.account(rosa.page, 'Blue Door')
  const tags = () => rosa.page.evaluate(async () => (await navigator.serviceWorker.ready).sync.getTags())
  await until('it is registered', async () => (await tags()).includes('kitchen-pantry:unsent'))

  const cdp = await rosa.context.newCDPSession(rosa.page)
  const registered = new Promise((resolve) => cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => registrations[0] && resolve(registrations[0].registrationId)))
  await cdp.send('ServiceWorker.enable')
  await rosa.page.evaluate(() => {
    globalThis.woken = 0
    navigator.serviceWorker.addEventListener('message', ({ data }) => (globalThis.woken += data?.type === 'SEND_NOW' ? 1 : 0))
  })
  await office.start()
  await cdp.send('ServiceWorker.dispatchSyncEvent', { origin: office.site, registrationId: await registered, tag: 'kitchen-pantry:unsent', lastChance: false })
  await until('the page is told', () => rosa.page.evaluate(() => globalThis.woken > 0))
  await rosa.allIsSent()
  assert.equal(office.select("SELECT count(*) FROM organizations WHERE name = 'Blue Door'"), '1')
  assert.deepEqual(rosa.problems, [])
  await rosa.end()
})
