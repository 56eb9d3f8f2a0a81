// What the office does not accept is kept, said in its words, and sent again once it is right.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, Person, until } from './kit.mjs'

let office
let rosa
before(async () => {
  office = await Office.open()
  rosa = await Person.at(office, 'rosa')
})
after(() => office?.end())

/** A deal of hers that was called lost without a reason: no screen does that, another app may. */
async function lost(name) {
  await acts.account(rosa.page, `${name} Bistro`)
  const account = rosa.page.url().split('/').pop()
  const deal = await rosa.page.evaluate(([account, name]) => globalThis.pantry.create('opportunity', { organization_id: account, name }), [account, name])
  await rosa.allIsSent()
  await rosa.page.evaluate((deal) => globalThis.pantry.update(deal, { stage: 'closed-lost' }), deal)
  await until('she is told', async () => /needs you/.test(await rosa.chip()))
  return deal
}
const stage = (deal) => office.select(`SELECT concat_ws('/', stage, close_reason) FROM opportunities WHERE id = '${deal}'`)

test('a refused entry is seen, mended and sent by taps', async () => {
  const { page } = rosa
  const deal = await lost('Spring menu')
  assert.equal(stage(deal), 'prospecting')
  await page.locator('[data-test=sync-chip]').click()
  const refused = page.locator('[data-test=refused]')
  await refused.locator('[data-test=sentence]', { hasText: 'A lost deal needs a reason' }).waitFor()
  await refused.getByText('Spring menu').first().waitFor()
  await refused.getByText('Lost', { exact: true }).waitFor()

  await refused.locator('[data-test=fix]').click()
  await page.getByRole('dialog').getByLabel('Reason').fill('They have a supplier.')
  await page.locator('[data-test=send-fixed]').click()
  await refused.waitFor({ state: 'detached' })
  await rosa.allIsSent()
  assert.equal(stage(deal), 'closed-lost/They have a supplier.')
  assert.deepEqual(await rosa.page.evaluate(() => globalThis.pantry.quarantine()), [])
  assert.deepEqual(rosa.problems, [])
})

test('a refused entry is thrown away after a second look, and the record is what it was', async () => {
  const { page } = rosa
  const deal = await lost('Fish on Fridays')
  await page.locator('[data-test=sync-chip]').click()
  const refused = page.locator('[data-test=refused]')
  await refused.locator('[data-test=drop]').click()
  await page.getByRole('button', { name: 'Close' }).last().click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.equal(await refused.count(), 1)

  await refused.locator('[data-test=drop]').click()
  await page.locator('[data-test=drop-for-good]').click()
  await refused.waitFor({ state: 'detached' })
  await rosa.allIsSent()
  assert.deepEqual(await rosa.rows(`SELECT stage FROM opportunities WHERE id = '${deal}'`), [['prospecting']])
  assert.equal(stage(deal), 'prospecting')
})
