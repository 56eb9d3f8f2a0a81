// Signing in at an identity provider, as it is configured on the server and in nothing that was built.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, PHONE, Person, until } from './kit.mjs'
import { IdentityProvider } from './provider.mjs'

/** A browser that comes to the app for the first time. */
async function guest(office, name) {
  const person = new Person(office, name)
  office.guests.push(person)
  await person.start(PHONE)
  await person.page.goto(office.site)
  return person
}
/** Everything that the browser keeps of the app as text. */
const kept = ({ page }) => page.evaluate(() => JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]))

/** Longer than the half minute before its end in which a token is not used any more. */
const TOKEN_SECONDS = 40

let provider
let office
before(async () => {
  provider = await IdentityProvider.begin()
  office = await Office.open(provider.env)
  provider.serve(office.site, TOKEN_SECONDS)
  provider.people = ['rosa', 'mia'].map((name) => ({ name, id: office.select(`SELECT id FROM users WHERE email = '${name}@example.com'`) }))
})
after(async () => {
  await office?.end()
  provider?.end()
})

test('a rep signs in at the provider, works on when her tokens run out, and signs in again when it knows her no more', async () => {
  const rosa = await guest(office, 'rosa')
  const { page } = rosa
  await page.locator('[data-test=to-provider]').click()
  await page.getByRole('link', { name: 'Cancel' }).click()
  await page.locator('[data-test=sign-in-fault]', { hasText: 'Ask your office for access.' }).waitFor()

  await page.locator('[data-test=to-provider]').click()
  await page.getByRole('link', { name: 'rosa' }).click()
  await page.waitForSelector('[data-test=sync-chip]')
  assert.deepEqual([new URL(page.url()).pathname, new URL(page.url()).search], ['/', ''])
  await acts.account(page, 'Blue Door')
  await rosa.allIsSent()
  assert.equal(office.select('SELECT name FROM organizations'), 'Blue Door')
  assert.doesNotMatch(await kept(rosa), /eyJ/, 'no token is kept')

  await until('a token ran out and another one came', () => provider.granted.includes('refresh_token'))
  await acts.account(page, 'Green Fork')
  await rosa.allIsSent()

  await page.reload()
  await page.waitForSelector('[data-test=sync-chip]')
  await rosa.allIsSent()

  provider.knowsNobody = true
  await page.reload()
  await page.waitForSelector('[data-test=sync-chip]')
  await until('she is told', async () => /Sign in to send/.test(await rosa.chip()))
  await acts.account(page, 'Casa Luna')
  provider.knowsNobody = false
  await page.locator('[data-test=sync-chip]').click()
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.locator('[data-test=to-provider]').click()
  await until('she is back', async () => {
    const button = page.getByRole('link', { name: 'rosa' })
    if (await button.isVisible().catch(() => false)) await button.click()
    return new URL(page.url()).origin === office.site && page.locator('[data-test=sync-chip]').isVisible()
  })
  await rosa.allIsSent()
  assert.equal(office.select('SELECT count(*) FROM organizations'), '3')
  assert.deepEqual(rosa.problems, [])
})

test('after a sign-out the provider asks anew who is there', async () => {
  const mia = await guest(office, 'mia')
  const { page } = mia
  await page.locator('[data-test=to-provider]').click()
  await page.getByRole('link', { name: 'mia' }).click()
  await page.waitForSelector('[data-test=sync-chip]')
  await mia.allIsSent()
  await page.goto(`${office.site}/more`)
  await page.locator('[data-test=sign-out]').click()
  await page.locator('[data-test=sign-out-erase]').click()
  await page.locator('[data-test=to-provider]').waitFor()
  assert.doesNotMatch(await kept(mia), /refresh/)

  await page.locator('[data-test=to-provider]').click()
  await page.getByRole('link', { name: 'rosa' }).click()
  await page.waitForSelector('[data-test=sync-chip]')
  await until('it is Rosa', async () => (await page.evaluate(() => localStorage.getItem('kitchen-pantry:user'))) === provider.people[0].id)
  assert.deepEqual(mia.problems, [])
})

test('at Supabase a rep signs in with a password, and a token that ran out is renewed', async () => {
  const asked = []
  let people
  const service = createServer(async (request, response) => {
    response.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-headers', '*').setHeader('content-type', 'application/json')
    if (request.method === 'OPTIONS') return response.end()
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString())
    const { pathname, searchParams } = new URL(request.url, 'http://localhost')
    asked.push(`${pathname} ${searchParams.get('grant_type') ?? ''}`.trim())
    if (request.headers.apikey !== 'sb_publishable_test') return response.writeHead(401).end('{}')
    if (pathname === '/auth/v1/logout') return response.writeHead(204).end()
    if (body.password && body.password !== 'butter') return response.writeHead(400).end(JSON.stringify({ code: 400, error_code: 'invalid_credentials', msg: 'Invalid login credentials' }))
    response.end(JSON.stringify({ access_token: people.token('rosa@example.com'), refresh_token: `once-${asked.length}`, token_type: 'bearer' }))
  }).listen(0, '127.0.0.1')
  await once(service, 'listening')
  people = await Office.open({ SIGN_IN: 'supabase', SUPABASE_URL: `http://127.0.0.1:${service.address().port}`, SUPABASE_ANON_KEY: 'sb_publishable_test' })
  try {
    const rosa = await guest(people, 'rosa')
    const { page } = rosa
    await page.getByLabel('E-mail').fill('rosa@example.com')
    await page.getByLabel('Password').fill('margarine')
    await page.locator('[data-test=enter]').click()
    await page.locator('[data-test=sign-in-fault]', { hasText: 'Invalid login credentials' }).waitFor()
    await page.getByLabel('Password').fill('butter')
    await page.locator('[data-test=enter]').click()
    await page.waitForSelector('[data-test=sync-chip]')
    await acts.account(page, 'Blue Door')
    await rosa.allIsSent()
    assert.doesNotMatch(await kept(rosa), /eyJ|butter/)
    // The page that starts anew has no token: what was kept gets one.
    await page.reload()
    await page.waitForSelector('[data-test=sync-chip]')
    await rosa.allIsSent()
    assert.ok(asked.includes('/auth/v1/token refresh_token'))
    assert.deepEqual(rosa.problems, [])
  } finally {
    await people.end()
    service.closeAllConnections()
    service.close()
  }
})
