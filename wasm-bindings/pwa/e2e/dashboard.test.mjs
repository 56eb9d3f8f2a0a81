// A manager's figures: made on the device, and the same as on the server.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { DESK, Person, SeededOffice, until } from './kit.mjs'

let office
before(async () => { office = await SeededOffice.open() })
after(() => office?.end())

/** The lines of a table as text, in an order that does not depend on languages. */
const lines = (csv) => csv.replace(/^\uFEFF/, '').replaceAll('"', '').trim().split(/\r?\n/).sort()

test('every report of the dashboard has its figures, and the files that it saves are what the server reports', async () => {
  const mia = await Person.at(office, 'mia', DESK)
  await mia.hasEverything()
  await mia.go('/dashboard')
  const names = ['pipeline', 'reps', 'activity', 'forecast', 'win_rate', 'coverage', 'priority_a_not_visited', 'overdue_follow_ups']
  for (const name of names) {
    const card = mia.page.locator(`[data-test=report-${name}]`)
    await until(`${name} is made`, async () => /[\d–]/.test(await card.locator('[data-test=headline]').innerText()))
    assert.equal(await card.getByRole('alert').count(), 0, name)
    if (!(await card.locator('[data-test=csv]').count())) continue
    const [download] = await Promise.all([mia.page.waitForEvent('download'), card.locator('[data-test=csv]').click()])
    const [here, there] = [readFileSync(await download.path(), 'utf8'), office.run('report', name, '--user', `mia@${office.domain}`, '--format', 'csv')]
    assert.equal(lines(here).length, lines(there).length, name)
    // Moments are written in other forms on both sides; these have none.
    if (['pipeline', 'reps', 'win_rate', 'coverage'].includes(name)) assert.deepEqual(lines(here), lines(there), name)
  }
  assert.deepEqual(mia.problems, [])
})
