// A manager brings a messy file of another program: shown first, taken in, updated, and undone.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Office, Person, until } from './kit.mjs'

let office
before(async () => { office = await Office.open() })
after(() => office?.end())

/** As Excel writes it in Europe: Windows-1252, semicolons, a line above and sums below, and cells that do not fit. */
const MESSY = Buffer.from([
  'Kundenliste Herbst;;;;;;',
  'Kd-Nr;Firma;Straße;PLZ;Ort;Telefon;Klasse;Geheimnis',
  '7;Gasthaus Krähe;Große Straße 5;87629;Füssen;+49 8362 555 0101;A;x',
  '8;Café Öl;Am Markt 1;80331;München;+49 89 555 0102;Z;y',
  '9;;;;;keine;;',
  '10;Blaue Tür;;;;"+49 89 555 0103;+49 89 555 0104";b;',
  'Gesamt;4;;;;;;',
].join('\r\n') + '\r\n', 'latin1')
const file = (name, buffer) => ({ name, mimeType: 'text/csv', buffer })
const summary = (page) => page.locator('[data-test=summary]')
const choose = (page, name, buffer) => page.locator('[data-test=file]').setInputFiles(file(name, buffer))

test('a messy file is shown column by column, taken in but for what does not fit, updated by its numbers, and undone', async () => {
  const mia = await Person.at(office, 'mia')
  const { page } = mia
  await page.evaluate(() => globalThis.pantry.create('organization', { name: 'Blue Door', phones: ['+49895550102'] }))
  await mia.go('/import')
  await choose(page, 'Kunden.csv', MESSY)
  await summary(page).getByText('2 new').waitFor()
  await summary(page).getByText('1 probably here').waitFor()
  await page.getByText(/Read as Account, WINDOWS-1252, semicolon/).waitFor()
  const column = (heading) => page.locator('[data-test=column]', { hasText: heading }).locator('select')
  assert.equal(await column('PLZ').inputValue(), 'billing_address.postal_code')
  assert.equal(await column('Geheimnis').inputValue(), '-')
  await page.getByText('Row 7 below the table is left out').waitFor()
  assert.match(await page.locator('[data-test=trouble]', { hasText: 'Row 5' }).first().innerText(), /left out/)
  await column('Geheimnis').selectOption('custom_fields.Geheimnis')
  await page.locator('[data-test=take-alike]').check()
  await summary(page).getByText('3 new').waitFor()
  await page.locator('[data-test=import]').click()
  await page.locator('[data-test=import-done]').getByText('3 imported').waitFor()
  const rows = await mia.rows("SELECT name, billing_address_city, priority_level, json_extract(custom_fields, '$.Geheimnis'), json_array_length(phones) FROM organizations WHERE name <> 'Blue Door' ORDER BY name")
  assert.deepEqual(rows, [['Blaue Tür', null, 'B', null, 2], ['Café Öl', 'München', 'C', 'y', 1], ['Gasthaus Krähe', 'Füssen', 'A', 'x', 1]])

  await choose(page, 'Kunden.csv', MESSY)
  await summary(page).getByText('3 here already').waitFor()
  assert.ok(await page.locator('[data-test=import]').isDisabled())
  await page.getByText(/Read as Account/).click()
  await page.getByLabel('What is here already').selectOption('update')
  await column('Geheimnis').selectOption('notes')
  await summary(page).getByText('2 updated').waitFor()
  await page.locator('[data-test=import]').click()
  await page.locator('[data-test=import-done]').getByText('2 updated').waitFor()
  assert.deepEqual(await mia.rows("SELECT notes FROM organizations WHERE name = 'Gasthaus Krähe'"), [['x']])

  // Two imports: the last one changed records, the first one made them.
  await page.locator('[data-test=batch]').nth(1).waitFor()
  await page.locator('[data-test=undo-import]').first().click()
  await until('the changes are taken back', async () => (await mia.rows("SELECT notes FROM organizations WHERE name = 'Gasthaus Krähe'"))[0][0] !== 'x')
  await page.locator('[data-test=batch]').nth(1).waitFor({ state: 'detached' })
  assert.deepEqual(mia.problems, [])
  await mia.end()
})

test('days that can be read in two ways and words that nobody knows are asked about before anything is written', async () => {
  const rosa = await Person.at(office, 'rosa')
  const { page } = rosa
  await rosa.go('/import')
  await choose(page, 'deals.csv', Buffer.from('Deal Name,Associated Company,Deal Stage,Close Date\nSpring menu,Elm Street,,03/04/2027\nSummer menu,Elm Street,Tasting booked,05/06/2027\n'))
  await page.locator('[data-test=ask]').waitFor()
  assert.ok(await page.locator('[data-test=import]').isDisabled())
  await page.locator('[data-test=ask] select').selectOption('dmy')
  await page.getByText(/Read as Deal/).click()
  await page.getByRole('switch', { name: /Make accounts/ }).click()
  await summary(page).getByText('1 new').waitFor()
  await page.locator('[data-test=word]', { hasText: 'Tasting booked' }).locator('select').selectOption('qualification')
  await summary(page).getByText('2 new').waitFor()
  await page.locator('[data-test=import]').click()
  await page.locator('[data-test=import-done]').waitFor()
  const deals = 'SELECT o.name, d.estimated_close_date, d.stage FROM opportunities d JOIN organizations o ON o.id = d.organization_id ORDER BY d.name'
  assert.deepEqual(await rosa.rows(deals), [['Elm Street', '2027-04-03', 'prospecting'], ['Elm Street', '2027-06-05', 'qualification']])
  await rosa.allIsSent()
  assert.deepEqual(rosa.problems, [])
  await rosa.end()
})

test('a file whose columns nobody knows is told column by column', async () => {
  const omar = await Person.at(office, 'omar')
  const { page } = omar
  await omar.go('/import')
  await choose(page, 'list.csv', Buffer.from('Wirt;Gegend\nBlaue Stube;Kempten\n'))
  const column = (heading) => page.locator('[data-test=column]', { hasText: heading }).locator('select')
  await summary(page).getByText('1 row left out').waitFor()
  await column('Wirt').selectOption('name')
  await summary(page).getByText('1 new').waitFor()
  await column('Gegend').selectOption('billing_address.city')
  await page.locator('[data-test=first]').getByText('Kempten').waitFor()
  await page.locator('[data-test=import]').click()
  await page.locator('[data-test=import-done]').waitFor()
  assert.deepEqual(await omar.rows("SELECT organization_type, billing_address_city FROM organizations WHERE name = 'Blaue Stube'"), [['prospect', 'Kempten']])
  assert.deepEqual(omar.problems, [])
  await omar.end()
})
