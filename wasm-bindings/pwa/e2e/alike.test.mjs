// The same kitchen is not begun twice: whoever adds one is told of those that may be it, and why.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, Person } from './kit.mjs'

let office
before(async () => { office = await Office.open() })
after(() => office?.end())

test('an account that may be there already is named with the reason, and may still be another place', async () => {
  const rosa = await Person.at(office, 'rosa')
  const { page } = rosa
  await page.evaluate(() => globalThis.pantry.create('organization', { name: 'Blue Door Bistro', organization_type: 'prospect', phones: ['+15855550142'], shipping_address: { city: 'Larkmouth' } }))
  await rosa.go('/accounts/new')
  const alike = page.locator('[data-test=alike]')
  await page.getByLabel('Name', { exact: true }).fill('The Red Barn')
  await page.getByLabel('Phone', { exact: true }).fill('(585) 555-0142')
  await alike.getByText('same phone').waitFor()
  await alike.getByText('Blue Door Bistro').waitFor()

  await page.getByLabel('Phone', { exact: true }).fill('')
  await alike.waitFor({ state: 'detached' })
  await page.getByLabel('Name', { exact: true }).fill('Blue Dor Bistro')
  await alike.getByText(/name alike · .*Larkmouth/).waitFor()

  await page.locator('[data-test=different]').click()
  await alike.waitFor({ state: 'detached' })
  await page.locator('[data-test=save]').click()
  await page.locator('[data-test=check-in]').waitFor()
  assert.equal((await rosa.rows('SELECT count(*) FROM organizations'))[0][0], 2)

  await acts.add(page, 'Account')
  await page.getByLabel('Name', { exact: true }).fill('Blue Door Bistro')
  await alike.getByText(/^same name/).waitFor()
  await alike.getByRole('link', { name: /Blue Door Bistro/ }).click()
  await page.locator('[data-test=check-in]').waitFor()
  assert.equal((await rosa.rows('SELECT count(*) FROM organizations'))[0][0], 2)
  assert.deepEqual(rosa.problems, [])
  await rosa.end()
})
