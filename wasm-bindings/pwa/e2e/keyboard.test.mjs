// Somebody without a mouse does a day's work: everything is reached by Tab, done by Enter, Space and arrows,
// and one sees at all times where one is.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { DESK, Person, SeededOffice, until } from './kit.mjs'
import { Keys } from './keys.mjs'

let office
let rosa
let keys
before(async () => {
  office = await SeededOffice.open()
  rosa = await Person.at(office, 'rosa', DESK)
  await rosa.hasEverything()
  await rosa.go('/')
  keys = new Keys(rosa.page)
})
after(() => office?.end())
const one = async (sql) => (await rosa.rows(sql))[0]?.[0]
const DIALOG = '[role=dialog]'

test('the first Tab offers to skip what is on every screen', async () => {
  await keys.tab()
  assert.ok(await keys.isAt('a', 'Skip'))
  const box = await rosa.page.locator('a[href="#main"]').boundingBox()
  assert.ok(box.width > 40 && box.height > 20, 'the link is seen')
  await keys.press('Enter')
  await keys.tab()
  assert.ok(await keys.isIn('main'))
})

test('a visit is logged', async () => {
  await keys.use('[data-test=check-in-next]')
  for (let group = 0; group < 3; group += 1) {
    await keys.to(`fieldset:nth-of-type(1) [role=radio]:not([data-state=checked]), div > fieldset [role=radio]:not([data-state=checked])`)
    await keys.press('Space')
    await keys.tab()
  }
  await keys.use('[data-test=save-visit]')
  await rosa.page.locator('[data-test=check-in]').waitFor()
  assert.equal(await one("SELECT count(*) FROM interactions WHERE status = 'completed' AND check_out_at_ms IS NOT NULL AND next_steps IS NOT NULL AND outcome IS NOT NULL AND check_in_at_ms > unixepoch('now', '-1 hour') * 1000"), 1)
})

test('a deal moves over the board and keeps the focus; one that ends asks how, and can be left', async () => {
  await keys.use('nav a', 'Pipeline')
  const tile = '[data-test=column-prospecting] [data-test=deal]'
  await rosa.page.locator(tile).first().waitFor()
  const deal = await rosa.page.locator(tile).first().getAttribute('data-id')
  await keys.use(`[data-id="${deal}"] [data-test=move]`)
  await rosa.page.getByRole('menu').waitFor()
  await keys.press('ArrowDown')
  await keys.press('q')
  await keys.press('Enter')
  await until('the deal has moved', async () => (await one(`SELECT stage FROM opportunities WHERE id = '${deal}'`)) === 'qualification')
  await until('the focus went with it', () => keys.isIn(`[data-test=column-qualification] [data-id="${deal}"]`))

  await keys.press('Enter')
  await rosa.page.getByRole('menu').waitFor()
  await keys.press('End')
  await keys.press('Enter')
  await staysIn(DIALOG)
  await keys.press('Escape')
  await rosa.page.locator(DIALOG).waitFor({ state: 'detached' })
  await until('the focus is back', () => keys.isIn(`[data-id="${deal}"]`))
  assert.equal(await one(`SELECT stage FROM opportunities WHERE id = '${deal}'`), 'qualification')
})

test('a contested value is settled', async () => {
  const before = await one('SELECT sum(conflict_count) FROM organizations')
  assert.ok(before > 0)
  await keys.use('[data-test=sync-chip]')
  await keys.use('[data-test=contested]')
  await keys.use('[data-test=keep]')
  await until('one is settled', async () => (await one('SELECT sum(conflict_count) FROM organizations')) === before - 1)
})

test('a task is put off, and another one done', async () => {
  await keys.use('nav a', 'Tasks')
  await keys.to('[data-test=plus-7]')
  const late = "SELECT count(*) FROM tasks WHERE is_completed IS NOT TRUE AND due_date < date('now')"
  const before = await one(late)
  await keys.press('Enter')
  await until('it is due later', async () => (await one(late)) === before - 1)

  const open = 'SELECT count(*) FROM tasks WHERE is_completed IS NOT TRUE'
  const todo = await one(open)
  await keys.use('[data-test=task-circle]')
  await staysIn(DIALOG)
  await keys.use('[data-test=next-nothing]')
  await rosa.page.locator(DIALOG).waitFor({ state: 'detached' })
  assert.equal(await one(open), todo - 1)
})

test('what can be added opens and closes, and the focus is where it was', async () => {
  await keys.use('nav button', 'Add')
  await staysIn(DIALOG)
  await keys.press('Escape')
  await rosa.page.locator(DIALOG).waitFor({ state: 'detached' })
  await until('the focus is back', () => keys.isAt('nav button', 'Add'))
})

test('everything that had the focus showed it, and nothing broke', () => {
  assert.deepEqual(keys.unseen, [])
  assert.deepEqual(rosa.problems, [])
})

/** A dialog has the focus, and keeps it however often one goes on or back. */
async function staysIn(dialog) {
  await until('the dialog has the focus', () => keys.isIn(dialog))
  for (const key of ['Tab', 'Shift+Tab']) {
    for (let n = 0; n < 25; n += 1) {
      await keys.tab(key)
      assert.ok(await keys.isIn(dialog), `${key} stays in the dialog`)
    }
  }
}
