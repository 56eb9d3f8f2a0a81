// The thing that is done most must cost least.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, Person } from './kit.mjs'

const MOST_TAPS = 8
let office
before(async () => { office = await Office.open() })
after(() => office?.end())

test('a visit with its outcome, next step and day is logged in eight taps and without typing', async () => {
  const rosa = await Person.at(office, 'rosa')
  await acts.account(rosa.page, 'Blue Door')
  await rosa.page.evaluate(() => {
    globalThis.taps = 0
    globalThis.keys = 0
    addEventListener('pointerdown', () => (globalThis.taps += 1), true)
    addEventListener('keydown', () => (globalThis.keys += 1), true)
  })
  await acts.visit(rosa.page)
  const { taps, keys } = await rosa.page.evaluate(() => ({ taps: globalThis.taps, keys: globalThis.keys }))
  assert.ok(taps > 0 && taps <= MOST_TAPS, `${taps} taps`)
  assert.equal(keys, 0)
  await rosa.allIsSent()
  assert.equal(office.select("SELECT outcome || '/' || status FROM interactions"), 'interested/completed')
  assert.equal(office.select('SELECT count(*) FROM tasks WHERE due_date > current_date'), '1')
  await rosa.end()
})
