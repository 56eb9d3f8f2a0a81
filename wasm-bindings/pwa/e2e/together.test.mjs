// Two people, each without a network, and what they find once there is one.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { acts } from './acts.mjs'
import { Office, Person, until } from './kit.mjs'

let office
before(async () => { office = await Office.open() })
after(() => office?.end())

/** An edit as a screen makes it, where the test is of what comes after. */
const edit = (person, id, set) => person.page.evaluate(([id, set]) => globalThis.pantry.update(id, set), [id, set])

test('two people name a deal differently without a network; it is settled by a tap, for both', async () => {
  const rosa = await Person.at(office, 'rosa')
  await acts.account(rosa.page, 'Blue Door')
  const account = rosa.page.url().split('/').pop()
  const deal = await rosa.page.evaluate((account) => globalThis.pantry.create('opportunity', { organization_id: account, name: 'Spring menu' }), account)
  await rosa.allIsSent()
  const mia = await Person.at(office, 'mia')
  await until('the manager has the deal', async () => (await mia.rows(`SELECT id FROM opportunities WHERE id = '${deal}'`)).length === 1)

  await Promise.all([rosa, mia].map(({ context }) => context.setOffline(true)))
  await edit(rosa, deal, { name: 'Spring menu, with dressing' })
  await edit(mia, deal, { name: 'Spring and summer menu' })
  await Promise.all([rosa, mia].map(({ context }) => context.setOffline(false)))

  for (const person of [rosa, mia]) {
    await until(`${person.name} is told`, async () => /needs? you/.test(await person.chip()))
  }
  await rosa.go('/sent')
  await rosa.page.locator('[data-test=contested]').click()
  const contest = rosa.page.locator('[data-test=contest]')
  const text = await contest.innerText()
  for (const word of ['Spring menu, with dressing', 'Spring and summer menu', 'You', 'Mia Manager']) assert.ok(text.includes(word), word)
  assert.match(await contest.locator('[data-test=base]').innerText(), /Spring menu/)
  await contest.locator('article', { hasText: 'Spring and summer menu' }).locator('[data-test=keep]').click()
  await rosa.page.locator('[data-test=contest]').waitFor({ state: 'detached' })

  await until('it is settled on the server', async () =>
    office.select(`SELECT name || '/' || conflict_count FROM opportunities WHERE id = '${deal}'`) === 'Spring and summer menu/0')
  await until('and for the manager', async () => !/needs? you/.test(await mia.chip()))
  assert.deepEqual([...rosa.problems, ...mia.problems], [])
  await rosa.end()
  await mia.end()
})

test('an account moves to a colleague while its rep has no network: both are told, and nothing of it stays', async () => {
  const word = 'Xylophonbrunnen'
  const omar = await Person.at(office, 'omar')
  await acts.account(omar.page, `${word} Grill`)
  const account = omar.page.url().split('/').pop()
  await omar.allIsSent()

  await omar.context.setOffline(true)
  await edit(omar, account, { notes: `Met the owner of ${word}.` })
  office.run('assign', '--where', `id = '${account}'`, '--to', 'rosa@example.com', '--as', 'mia@example.com')
  await omar.context.setOffline(false)
  await until('it left his device', async () => (await omar.rows(`SELECT id FROM organizations WHERE id = '${account}'`)).length === 0)
  assert.equal(office.select(`SELECT notes FROM organizations WHERE id = '${account}'`), `Met the owner of ${word}.`)
  await omar.turnTo(`/accounts/${account}`)
  await omar.page.getByText('This account is not on this device').waitFor()

  const rosa = await Person.at(office, 'rosa')
  await rosa.go(`/accounts/${account}`)
  await rosa.page.getByText('Looked after by Rosa Rep').waitFor()

  await omar.allIsSent()
  await omar.end()
  const left = files(omar.folder).filter((file) => readFileSync(file).includes(word))
  assert.deepEqual(left.map((file) => file.slice(omar.folder.length)), [])
  await rosa.end()
})

/** Where the browser's own file system keeps what the app stored. */
function files(folder) {
  const all = []
  const walk = (at) => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (path.includes('File System')) all.push(path)
    }
  }
  walk(folder)
  assert.ok(all.length > 0, 'there is a file system of the browser')
  return all
}
