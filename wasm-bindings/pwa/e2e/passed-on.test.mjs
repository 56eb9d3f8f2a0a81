// A device that is passed on: who signs out, and who signs in after them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, Person, until } from './kit.mjs'

let office
before(async () => { office = await Office.open() })
after(() => office?.end())

const link = (name) => `${office.site}/sign-in#token=${office.token(`${name}@example.com`)}`
/** Which databases the browser keeps, and what the app noted of a user. */
const left = (page, word) => page.evaluate(async (word) => {
  const names = []
  const all = await (await navigator.storage.getDirectory()).getDirectoryHandle('kitchen-pantry', { create: true })
  for await (const [name, one] of all.entries()) if (one.kind === 'directory') names.push(name)
  return { names, notes: Object.entries(localStorage).filter((one) => one.join().includes(word)).map(([key]) => key) }
}, word)
const idOf = (name) => office.select(`SELECT id FROM users WHERE email = '${name}@example.com'`)
const signsOut = async ({ page }) => {
  await page.goto(`${office.site}/more`)
  await page.locator('[data-test=sign-out]').click()
}
/** As changes stand in a rescue file. */
const hex = (text) => Buffer.from(text).toString('hex')
/** Taps what saves a file, and reads it. */
async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator(`[data-test=${button}]`).click()])
  return readFileSync(await download.path(), 'utf8')
}

test('who signs out leaves nothing behind, and finds everything at the next sign-in', async () => {
  const rosa = await Person.at(office, 'rosa')
  await acts.account(rosa.page, 'Blue Door')
  await rosa.allIsSent()
  // Begun and not saved: a draft that nobody else may find.
  await rosa.page.goto(`${office.site}/accounts/new`)
  await rosa.page.locator('input').first().fill('Halfway House')
  await until('the draft is kept', async () => (await left(rosa.page, 'Halfway')).notes.length === 1)
  await signsOut(rosa)
  await rosa.page.locator('[data-test=sign-out-erase]').click()
  await rosa.page.getByLabel('Sign-in link').waitFor()
  assert.deepEqual(await left(rosa.page, 'Halfway'), { names: [], notes: [] })
  assert.deepEqual((await left(rosa.page, idOf('rosa'))).notes, [])

  await rosa.page.goto(link('rosa'))
  await rosa.page.waitForSelector('[data-test=sync-chip]')
  await until('it is there again', async () => (await rosa.rows("SELECT id FROM organizations WHERE name = 'Blue Door'")).length === 1)
  assert.deepEqual(rosa.problems, [])
  await rosa.end()
})

test('with something unsent nothing is erased before it was saved as a file, which another sign-in reads back', async () => {
  const omar = await Person.at(office, 'omar')
  await omar.isKept()
  await omar.context.setOffline(true)
  await acts.account(omar.page, 'Saved Kitchen')
  await signsOut(omar)
  await omar.page.getByText('on this device only').first().waitFor()
  assert.ok(await omar.page.locator('[data-test=sign-out-erase]').isDisabled())
  const file = await saved(omar.page, 'sign-out-save')
  assert.ok(file.includes(hex('Saved Kitchen')))
  await omar.page.locator('[data-test=sign-out-erase]:enabled').click()
  await omar.page.getByLabel('Sign-in link').waitFor()
  assert.deepEqual((await left(omar.page, idOf('omar'))), { names: [], notes: [] })

  await omar.context.setOffline(false)
  await omar.page.goto(link('omar'))
  await omar.page.waitForSelector('[data-test=sync-chip]')
  await omar.page.evaluate((text) => globalThis.pantry.importRescue(text), file)
  await until('it is on the server', () => office.select("SELECT count(*) FROM organizations WHERE name = 'Saved Kitchen'") === '1')
  await omar.end()
})

test("another user's link opens nothing before it was said that somebody's records are here, and they can be saved and erased", async () => {
  const rosa = await Person.at(office, 'rosa')
  await rosa.isKept()
  await until('her name is known', () => rosa.page.evaluate(() => Object.values(localStorage).includes('"Rosa Rep"')))
  await rosa.context.setOffline(true)
  await acts.account(rosa.page, 'Only Here')
  await rosa.context.setOffline(false)
  await office.stop()
  const gate = await office.answersTokens(office.token('mia@example.com'))
  await until('it is noted', () => rosa.page.evaluate((key) => JSON.parse(localStorage.getItem(key))?.unsent > 0, `kitchen-pantry:${idOf('rosa')}`))
  const second = await rosa.context.newPage()
  const others = second.locator('[data-test=others]')
  await second.goto(`${office.site}/sign-in#token=${gate.token}`)
  assert.match(await second.locator('[data-test=offer]').innerText(), /Rosa Rep is signed in here/)
  await second.locator('[data-test=offer-take]').click()
  await others.waitFor()
  const text = await others.innerText()
  assert.match(text, /Rosa Rep/)
  assert.match(text, /never sent/)
  assert.ok(!text.includes('Only Here'))
  await until("Rosa's window shows nothing of hers", () => rosa.page.locator('[data-test=others]').isVisible())
  assert.ok(await second.locator('[data-test=others-erase]').isDisabled())
  assert.ok((await saved(second, 'others-save')).includes(hex('Only Here')))
  await second.locator('[data-test=others-erase]:enabled').click()
  await second.getByRole('dialog').getByText(/The office never got this work of Rosa Rep/).waitFor()
  await second.locator('[data-test=others-erase-sure]').click()
  await second.waitForSelector('[data-test=sync-chip]')
  assert.deepEqual(await left(second, idOf('rosa')), { names: [idOf('mia')], notes: [] })
  await gate.close()
  await office.start()
  await rosa.end()
})

test('records that are left on a shared device are told of once, and are there for whose they are', async () => {
  const omar = await Person.at(office, 'omar')
  await acts.account(omar.page, 'Shared Tablet')
  await omar.allIsSent()
  await signsOut(omar)
  await omar.page.locator('[data-test=sign-out-keep]').click()
  await omar.page.getByLabel('Sign-in link').waitFor()
  await omar.page.goto(link('mia'))
  await omar.page.locator('[data-test=others-keep]').click()
  await omar.page.waitForSelector('[data-test=sync-chip]')
  await omar.page.reload()
  await omar.page.waitForSelector('[data-test=sync-chip]')
  assert.deepEqual((await left(omar.page, 'Shared')).names.sort(), [idOf('mia'), idOf('omar')].sort())
  await omar.page.goto(link('omar'))
  await omar.page.locator('[data-test=offer-take]').click()
  await omar.page.locator('[data-test=others-erase]').click()
  await omar.page.waitForSelector('[data-test=sync-chip]')
  assert.equal((await omar.rows("SELECT id FROM organizations WHERE name = 'Shared Tablet'")).length, 1)
  assert.deepEqual((await left(omar.page, 'Shared')).names, [idOf('omar')])
  await omar.end()
})
