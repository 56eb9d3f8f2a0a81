// A day in the field: the app is opened once with signal, and then there is none.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, Person, until } from './kit.mjs'

let office
before(async () => { office = await Office.open() })
after(() => office?.end())

test('fifty edits without a network survive the death of the browser, and are everywhere once there is one', async () => {
  const rosa = await Person.at(office, 'rosa')
  await rosa.isKept()
  await rosa.allIsSent()

  await rosa.context.setOffline(true)
  await office.stop()
  await rosa.page.reload()
  await rosa.page.waitForSelector('[data-test=sync-chip]')

  const made = await acts.day(rosa.page)
  assert.ok(made.edits >= 50, `${made.edits} edits`)
  const waiting = await unsent(rosa.page)
  assert.ok(waiting >= 50, `${waiting} edits wait`)
  assert.deepEqual(rosa.problems, [])

  await rosa.kill()
  await rosa.start()
  await rosa.context.setOffline(true)
  await rosa.page.goto(`${office.site}/`)
  await rosa.page.waitForSelector('[data-test=sync-chip]')
  assert.equal(await unsent(rosa.page), waiting)

  await office.start()
  await rosa.context.setOffline(false)
  await rosa.allIsSent()

  const names = office.select('SELECT name FROM organizations ORDER BY name').split('\n')
  assert.deepEqual(names, [...made.accounts].sort())
  assert.equal(Number(office.select("SELECT count(*) FROM interactions WHERE status = 'completed' AND check_out_at_ms > check_in_at_ms")), made.visits)
  assert.equal(Number(office.select('SELECT count(*) FROM tasks WHERE is_completed')), made.finished)
  assert.match(office.run('report', 'activity', '--user', 'mia@example.com'), new RegExp(`VISIT.*${made.visits}`))

  const mia = await Person.at(office, 'mia')
  await until('the manager has every account', async () =>
    (await mia.page.evaluate(() => document.querySelector('[data-test=sync-chip]') !== null)) && (await count(mia.page)) === made.accounts.length)
  await rosa.end()
  await mia.end()
})

const count = async (page) => {
  await page.goto(new URL('/accounts', page.url()).href)
  await page.waitForSelector('[data-test=accounts], [data-test=none]')
  return page.locator('[data-test=accounts] li').count()
}

/** What exists on this device only, as the app says it. */
async function unsent(page) {
  const text = await page.locator('[data-test=sync-chip]').innerText()
  return Number(/(\d+) not sent/.exec(text)?.[1] ?? 0)
}
