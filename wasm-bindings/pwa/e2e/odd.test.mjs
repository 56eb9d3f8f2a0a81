// Records that say odd things: they show what is stored, and take nothing else down.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Office, Person } from './kit.mjs'

let office
let rosa
before(async () => {
  office = await Office.open()
  rosa = await Person.at(office, 'rosa')
})
after(() => office?.end())

const make = (kind, set) => rosa.page.evaluate(([kind, set]) => globalThis.pantry.create(kind, set), [kind, set])
const met = (account, set) => make('interaction', { organization_id: account, interaction_type: 'VISIT', status: 'completed', ...set })

test('a visit of any year, with any words, stands in what happened and has its screen', async () => {
  const { page } = rosa
  const account = await make('organization', { name: 'Old Inn' })
  const words = ['a | b', '@:app.name', '{', 'constructor', 'interested']
  const visits = []
  for (const outcome of words) visits.push(await met(account, { outcome, occurred_at: '0999-07-01T12:00:00Z' }))
  await rosa.go(`/accounts/${account}`)
  for (const shown of ['a | b', '@:app.name', '{', 'constructor', 'Interested']) await page.getByText(`Visit · ${shown}`, { exact: true }).waitFor()
  await rosa.go(`/visits/${visits[0]}`)
  await page.getByRole('radio', { name: 'a | b', exact: true }).waitFor()
  assert.equal(await page.getByLabel('Day', { exact: true }).inputValue(), '0999-07-01')
  assert.deepEqual(rosa.problems, [])
})

test('a row that cannot be shown is named, and what stands beside it is shown', async () => {
  const { page } = rosa
  const account = await make('organization', { name: 'Corner Grill' })
  await met(account, { outcome: 'order', occurred_at: '1999-07-01T12:00:00Z' })
  await met(account, { outcome: 'problem', occurred_at: '2001-07-01T12:00:00Z' })
  const odd = await make('task', { organization_id: account, title: 'Odd one', due_date: '1999-03-01' })
  await make('task', { organization_id: account, title: 'Sound one', due_date: '2001-03-01' })
  // Whatever it is that nobody thought of.
  await page.addInitScript(() => {
    const of = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, 'format')
    Object.defineProperty(Intl.DateTimeFormat.prototype, 'format', { ...of, get() {
      const plain = of.get.call(this)
      return (at) => {
        if (new Date(at).getFullYear() === 1999) throw new RangeError('nobody thought of this')
        return plain(at)
      }
    } })
  })
  await rosa.go(`/accounts/${account}`)
  await page.getByText('Visit · Problem').waitFor()
  await page.getByText('Sound one').first().waitFor()
  await page.locator('[data-test=broken]', { hasText: 'Odd one cannot be shown' }).waitFor()
  assert.equal(await page.locator('[data-test=broken]').count(), 2)
  await rosa.go(`/tasks/${odd}`)
  await page.locator('[data-test=broken]').first().waitFor()
  await page.getByRole('link', { name: 'Tasks' }).last().click()
  await page.getByText('Sound one').first().waitFor()
})

test('a name shows what is stored, turns nothing beside it, and is edited as it is', async () => {
  const { page } = rosa
  const name = 'Menu \u202Efdp.exe'
  const account = await make('organization', { name, website: 'javascript:alert(1)', emails: ['boss@food.example'] })
  await rosa.go(`/accounts/${account}`)
  await page.getByRole('heading', { level: 1, name: 'Menu \\u{202e}fdp.exe' }).waitFor()
  await page.getByText('javascript:alert(1)').waitFor()
  assert.equal(await page.locator('a[href^=javascript]').count(), 0)
  await page.locator('[data-test=edit]').click()
  await page.getByLabel('Name', { exact: true }).waitFor()
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), name)
  const hebrew = await make('organization', { name: 'שלום' })
  await met(hebrew, { outcome: 'order', occurred_at: '2001-07-01T12:00:00Z' })
  await rosa.go('/accounts')
  await page.getByText('שלום').waitFor()
})
