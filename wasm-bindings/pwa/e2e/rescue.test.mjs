// A rescue file is read back once it was seen what it would enter in the user's name.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, Person, until } from './kit.mjs'

let office
before(async () => { office = await Office.open() })
after(() => office?.end())

test('a rescue file says what it would enter, and enters nothing before that was said to be right', async () => {
  const rosa = await Person.at(office, 'rosa')
  const { page } = rosa
  await acts.account(page, 'Blue Door')
  await rosa.allIsSent()
  const there = page.url().split('/').pop()
  await rosa.isKept()
  await rosa.context.setOffline(true)
  await acts.account(page, 'Only On Paper')
  await page.evaluate((id) => globalThis.pantry.update(id, { cuisine: 'Thai' }), there)
  const file = await page.evaluate(async () => (await globalThis.pantry.exportRescue()).file.text())
  await page.evaluate(() => globalThis.pantry.erase({ evenUnsent: true }))
  await rosa.context.setOffline(false)
  await rosa.go('/sent')
  await rosa.allIsSent()

  const bring = (text) => page.locator('[data-test=rescue-file]').setInputFiles({ name: 'rescue.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(text) })
  const look = page.locator('[data-test=rescue-look]')
  await bring(file)
  await look.getByText('Only On Paper').first().waitFor()
  await look.getByText('Blue Door').first().waitFor()
  await look.getByText('Thai').waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await look.waitFor({ state: 'detached' })
  assert.equal((await rosa.rows("SELECT id FROM organizations WHERE name = 'Only On Paper'")).length, 0)
  assert.equal(await page.evaluate(() => globalThis.pantry.status.unsent), 0)

  await bring('{"record": 7}')
  await page.getByText('line 1 is no edit').first().waitFor()
  assert.equal(await look.count(), 0)

  await bring(file)
  await look.getByText('Only On Paper').first().waitFor()
  await page.locator('[data-test=rescue-read-sure]').click()
  await until('both are on the server', () => office.select("SELECT string_agg(name || coalesce(cuisine, ''), ',' ORDER BY name) FROM organizations") === 'Blue DoorThai,Only On Paper')
  assert.deepEqual(rosa.problems, [])
})
