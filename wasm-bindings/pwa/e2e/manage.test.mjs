// A manager gives accounts to somebody else, puts two together, and reads what was refused: by clicks.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, Person, until } from './kit.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
let office, mia, rosa, omar
before(async () => {
  office = await Office.open()
  mia = await Person.at(office, 'mia')
  rosa = await Person.at(office, 'rosa')
  omar = await Person.at(office, 'omar')
})
after(() => office?.end())

const create = (person, kind, set) => person.page.evaluate(([kind, set]) => globalThis.pantry.create(kind, set), [kind, set])
const has = (person, id) => person.rows(`SELECT count(*) FROM organizations WHERE id = '${id}'`).then(([[count]]) => count === 1)
/** Nothing is wrong with the screen that is shown, for whoever sees little or has a small phone. */
async function isFit({ page }, what) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  assert.deepEqual(violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes[0].html.slice(0, 200)}`), [])
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('main a, main button, main summary')]
      .map((one) => [one, one.getBoundingClientRect()])
      .filter(([one, box]) => box.width > 0 && box.height < 44 && one.checkVisibility() && getComputedStyle(one).display !== 'inline')
      .map(([one, box]) => `${one.textContent.trim()} ${Math.round(box.height)} px`))
  assert.deepEqual(small, [], what)
  const before = page.viewportSize()
  await page.setViewportSize({ width: 360, height: 740 })
  for (const size of ['100%', '200%']) {
    const over = await page.evaluate((size) => {
      document.documentElement.style.fontSize = size
      return document.documentElement.scrollWidth - innerWidth
    }, size)
    assert.ok(over <= 0, `${what} at ${size} is ${over} px wider than a small phone`)
  }
  await page.evaluate(() => { document.documentElement.style.fontSize = '' })
  await page.setViewportSize(before)
}

test('an account is handed over by clicks: the new rep has it with its open work, the old one has it no more', async () => {
  await acts.account(rosa.page, 'Blue Door')
  const account = rosa.page.url().split('/').pop()
  const task = await create(rosa, 'task', { organization_id: account, title: 'Bring the price list' })
  await rosa.allIsSent()
  await until('the manager has both', async () => (await mia.rows(`SELECT count(*) FROM tasks WHERE id = '${task}'`))[0][0] === 1)

  const { page } = mia
  await mia.turnTo(`/accounts/${account}`)
  await page.locator('[data-test=account-menu]').click()
  await page.getByRole('menuitem', { name: 'Hand over …' }).click()
  await page.locator('[data-test=to]', { hasText: 'Omar Rep' }).click()
  const preview = page.locator('[data-test=preview]')
  await preview.getByText('1 account goes over').waitFor()
  await preview.getByText('1 open task', { exact: true }).click()
  await preview.getByText('Bring the price list').waitFor()
  await preview.locator('[data-test=former]').getByText(/Rosa Rep was last heard from/).waitFor()
  await isFit(mia, 'hand over')
  assert.equal(office.select(`SELECT u.first_name FROM organizations o JOIN users u ON u.id = o.assigned_user_id WHERE o.id = '${account}'`), 'Rosa')
  await page.locator('[data-test=hand-over]').click()
  await page.getByText('1 account is with Omar Rep').last().waitFor()

  await until('the new rep has it', () => has(omar, account))
  await until('the old rep has it no more', async () => !(await has(rosa, account)))
  assert.equal(office.select(`SELECT u.first_name FROM tasks k JOIN users u ON u.id = k.assignee_id WHERE k.id = '${task}'`), 'Omar')
  await omar.turnTo('/tasks')
  await omar.page.getByText('Bring the price list').first().waitFor()

  await page.getByRole('button', { name: 'Undo' }).click()
  await until('it is back', () => has(rosa, account))
  await until('and its task', async () => office.select(`SELECT u.first_name FROM tasks k JOIN users u ON u.id = k.assignee_id WHERE k.id = '${task}'`) === 'Rosa')
  assert.deepEqual([...mia.problems, ...rosa.problems, ...omar.problems], [])
})

test('without a network it says so and changes nothing; once there is one it is done, and once', async () => {
  const account = await create(rosa, 'organization', { name: 'Harbor Grill' })
  await rosa.allIsSent()
  await until('the manager has it', () => has(mia, account))
  const { page } = mia
  await mia.turnTo('/team')
  await page.locator('[data-test=rep]', { hasText: 'Rosa' }).locator('[data-test=hand-over-all]').click()
  await page.locator('[data-test=to]', { hasText: 'Omar Rep' }).click()
  const button = page.locator('[data-test=hand-over]')
  await button.waitFor()
  await page.locator('[data-test=preview]').getByText('Harbor Grill').waitFor()
  await mia.context.setOffline(true)
  await button.click()
  await page.locator('[data-test=trouble]').getByText(/cannot be reached/).waitFor()
  await isFit(mia, 'without a network')
  assert.equal(office.select(`SELECT u.first_name FROM organizations o JOIN users u ON u.id = o.assigned_user_id WHERE o.id = '${account}'`), 'Rosa')
  await mia.context.setOffline(false)
  await page.locator('[data-test=again]').click()
  await page.getByText(/accounts? (is|are) with Omar Rep/).last().waitFor()
  await until('the new rep has it', () => has(omar, account))
  assert.deepEqual(mia.problems, [])
})

test('two accounts are put together with their differences side by side, and taken apart', async () => {
  const one = await create(omar, 'organization', { name: 'Casa Luna', phones: ['+15855550142'] })
  const other = await create(omar, 'organization', { name: 'Casa Luna Inc', cuisine: 'Spanish', phones: ['+15855550142'] })
  await omar.allIsSent()
  await until('the manager has both', async () => (await has(mia, one)) && (await has(mia, other)))
  const { page } = mia
  await mia.turnTo('/team')
  await page.locator('[data-test=pair]', { hasText: 'Casa Luna Inc' }).locator('[data-test=merge-pair]').waitFor()
  await mia.turnTo(`/accounts/${one}`)
  await page.locator('[data-test=account-menu]').click()
  await page.getByRole('menuitem', { name: 'Put together …' }).click()
  await page.locator('[data-test=likely]', { hasText: 'Casa Luna Inc' }).click()
  const columns = page.locator('[data-test=column]')
  await columns.filter({ hasText: 'Spanish' }).waitFor()
  if ((await page.locator('[data-test=stays]').innerText()) === 'Casa Luna Inc') {
    await page.locator('[data-test=turn]').click()
    await page.locator('[data-test=stays]', { hasText: /^Casa Luna$/ }).waitFor()
    await columns.filter({ hasText: 'Spanish' }).waitFor()
  }
  await page.locator('[data-test=take-over]').getByText('Cuisine').waitFor()
  await isFit(mia, 'merge')
  await page.locator('[data-test=merge]').click()
  await until('it is merged', async () => office.select(`SELECT merged_into FROM organizations WHERE id = '${other}'`) === one)
  await until('and what the other lacked is taken over', async () => office.select(`SELECT cuisine FROM organizations WHERE id = '${one}'`) === 'Spanish')
  await mia.turnTo(`/accounts/${other}`)
  await page.locator('[data-test=is-merged]').getByText('This account is part of Casa Luna.').waitFor()
  await page.locator('[data-test=apart]').click()
  await page.locator('[data-test=is-merged]').waitFor({ state: 'detached' })
  assert.equal(office.select(`SELECT merged_into IS NULL FROM organizations WHERE id = '${other}'`), 't')
  assert.deepEqual(mia.problems, [])
})

test('a manager reads what was refused of the team: who, why and what it said; a rep has no such screen', async () => {
  const account = await create(omar, 'organization', { name: 'Green Fork' })
  await omar.allIsSent()
  await omar.page.evaluate((id) => globalThis.pantry.update(id, { organization_type: 'distributor' }), account)
  await until('it is refused', () => office.select("SELECT count(*) FROM sync.quarantine") === '1')
  const { page } = mia
  await mia.turnTo('/team')
  await page.locator('[data-test=team-refused]').click()
  const card = page.locator('[data-test=refused-work]')
  await card.getByText(/Omar Rep/).waitFor()
  await card.getByText(/A sales rep may make a prospect a customer/).waitFor()
  await card.getByText('Distributor').waitFor()
  await isFit(mia, 'refused')
  await omar.turnTo(`/accounts/${account}`)
  await omar.page.locator('[data-test=account-menu]').click()
  await omar.page.getByRole('menuitem').first().waitFor()
  assert.equal(await omar.page.getByRole('menuitem', { name: 'Hand over …' }).count(), 0)
  await omar.page.keyboard.press('Escape')
  await omar.turnTo('/team/refused')
  await omar.page.getByText('This is for managers').waitFor()
  assert.deepEqual(mia.problems, [])
})
