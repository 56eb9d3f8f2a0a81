// Sign-in links that somebody else made: they change nothing that was not asked for.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, PHONE, Person, until } from './kit.mjs'

let office
let rosa
before(async () => {
  office = await Office.open()
  rosa = await Person.at(office, 'rosa')
  await until('her name is known', () => rosa.page.evaluate(() => Object.values(localStorage).includes('"Rosa Rep"')))
  await rosa.isKept()
})
after(() => office?.end())

const idOf = (name) => office.select(`SELECT id FROM users WHERE email = '${name}@example.com'`)
const by = (token) => `${office.site}/sign-in#token=${token}`
/** As anybody can write one. */
const madeUp = (claims) => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`
const kept = (page) => page.evaluate(() => ({ token: localStorage.getItem('kitchen-pantry:token'), user: localStorage.getItem('kitchen-pantry:user') }))
const folders = (page) => page.evaluate(async () => {
  const names = []
  for await (const [name] of (await (await navigator.storage.getDirectory()).getDirectoryHandle('kitchen-pantry', { create: true })).entries()) names.push(name)
  return names
})

test('a link for somebody else asks before anything changes', async () => {
  const { page } = rosa
  const before = await kept(page)
  await page.goto(by(office.token('omar@example.com')))
  assert.match(await page.locator('[data-test=offer]').innerText(), /Rosa Rep is signed in here/)
  assert.deepEqual(await kept(page), before)
  await page.locator('[data-test=offer-stay]').click()
  await page.waitForSelector('[data-test=sync-chip]')
  assert.deepEqual(await kept(page), before)

  // Also where the app is open at that very address.
  await page.goto(`${office.site}/sign-in`)
  await page.getByLabel('Sign-in link').waitFor()
  await page.evaluate((hash) => { location.hash = hash }, `token=${office.token('omar@example.com')}`)
  await page.locator('[data-test=offer-stay]').click()
  await page.waitForSelector('[data-test=sync-chip]')
  assert.deepEqual(await kept(page), before)
})

test('a link that the office did not sign changes nothing, whoever it names', async () => {
  const { page } = rosa
  const before = await kept(page)
  for (const [claims, said] of [[{ sub: 'x' }, 'no sign-in link'], [{ sub: 7 }, 'no sign-in link'], [null, 'no sign-in link'], [{ sub: idOf('rosa') }, 'does not accept'], [{ sub: idOf('mia') }, 'does not accept']]) {
    await page.goto(by(madeUp(claims)))
    await page.getByText(said).first().waitFor()
    await page.waitForSelector('[data-test=sync-chip]')
    assert.deepEqual(await kept(page), before, JSON.stringify(claims))
  }
  await acts.account(page, 'Still Hers')
  await rosa.allIsSent()
  assert.equal(office.select("SELECT u.email FROM organizations o JOIN users u ON u.id = o.created_by WHERE o.name = 'Still Hers'"), 'rosa@example.com')
})

test('where people sign in at a provider, links are not taken', async () => {
  const guest = new Person(office, 'mia')
  office.guests.push(guest)
  await guest.start(PHONE)
  await guest.page.route('**/config.json', (route) => route.fulfill({ json: { signIn: { mode: 'oidc', authority: 'https://id.example', clientId: 'app' } } }))
  await guest.page.goto(by(office.token('mia@example.com')))
  await guest.page.getByText('signs in in another way').first().waitFor()
  await guest.page.locator('[data-test=to-provider]').waitFor()
  assert.deepEqual(await kept(guest.page), { token: null, user: null })
  await guest.end()
})

test('records that were left open to nobody whose token the server did not take', async () => {
  const { page } = rosa
  await page.goto(`${office.site}/more`)
  await page.locator('[data-test=sign-out]').click()
  await page.getByRole('dialog').getByText(/not locked/).first().waitFor()
  await page.locator('[data-test=sign-out-keep]').click()
  await page.getByLabel('Sign-in link').waitFor()
  for (const name of ['rosa', 'omar']) {
    await page.goto(by(madeUp({ sub: idOf(name) })))
    await page.getByText('does not accept').first().waitFor()
    await page.getByLabel('Sign-in link').waitFor()
  }
  await rosa.context.setOffline(true)
  await page.goto(by(madeUp({ sub: idOf('rosa') })))
  await page.getByText('could not be checked').first().waitFor()
  await page.getByLabel('Sign-in link').waitFor()
  assert.deepEqual(await folders(page).then((names) => names.filter((name) => !name.includes('.'))), [idOf('rosa')], 'no sign-in that failed leaves a folder')

  // Nor does whoever writes into the browser's notes what a sign-in leaves there.
  await page.evaluate(([token, user]) => {
    localStorage.setItem('kitchen-pantry:token', token)
    localStorage.setItem('kitchen-pantry:user', user)
  }, [madeUp({ sub: idOf('rosa') }), idOf('rosa')])
  await page.goto(office.site)
  await page.getByText('has to see your sign-in once').first().waitFor()
  await page.locator('[data-test=sign-in-anew]').click()
  await page.getByLabel('Sign-in link').waitFor()
  await rosa.context.setOffline(false)
  await page.goto(by(office.token('rosa@example.com')))
  await page.waitForSelector('[data-test=sync-chip]')
  assert.equal((await rosa.rows("SELECT id FROM organizations WHERE name = 'Still Hers'")).length, 1)
  assert.deepEqual(rosa.problems, [])
})
