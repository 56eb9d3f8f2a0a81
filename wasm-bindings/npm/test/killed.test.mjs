// Workers and tabs that are killed amid what they write.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { browser, open, pages, until } from './kit.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 200)
const user = '01a21c3c-f929-7000-8000-000000000001'
let site, context, folder

before(async () => {
  site = await pages()
  folder = await mkdtemp(join(tmpdir(), 'pantry-killed-'))
  context = await browser(folder)
})
after(async () => {
  await context?.close()
  site?.close()
  await rm(folder, { recursive: true, force: true })
})

test(`a worker killed amid a write, ${ROUNDS} times, leaves a sound database with every confirmed edit`, async () => {
  const page = await open(context, site, { name: 'killed', user })
  const told = await page.evaluate(async (rounds) => {
    const { openReplica } = await import('/pantry/index.js')
    const begin = { name: 'killed', user: replica.user }
    const confirmed = []
    let current = replica
    for (let round = 0; round < rounds; round += 1) {
      // The kill comes while the next edits are being written: sooner or later, but always after an answer.
      const after = round % 7
      let answers = 0
      const writes = Array.from({ length: after + 3 }, (_, n) =>
        current.tasks.create({ title: `${round}.${n}`, description: 'words '.repeat((round * 37) % 400) }).then((id) => {
          confirmed.push(id)
          answers += 1
          if (answers === after + 1) current.worker.terminate()
        }))
      await Promise.race([Promise.all(writes), new Promise((resolve) => { const look = () => (answers > after ? resolve() : setTimeout(look, 0)); look() })])
      current = await openReplica({ ...begin, user: '01a21c3c-f929-7000-8000-000000000001' })
    }
    const { rows } = await current.query('SELECT id FROM tasks')
    const there = new Set(rows.map(([id]) => id))
    const sound = await current.query('SELECT * FROM pragma_integrity_check')
    const lost = confirmed.filter((id) => !there.has(id))
    const { unsent, records } = current.status
    await current.close()
    return { confirmed: confirmed.length, lost, sound: sound.rows, unsent, records, there: there.size }
  }, ROUNDS)
  assert.deepEqual([told.lost, told.sound], [[], [['ok']]])
  assert.ok(told.confirmed >= ROUNDS, `${told.confirmed} confirmed`)
  assert.deepEqual([told.unsent, told.records], [told.there, told.there], 'each record that is there waits to be sent')
  await page.close()
})

test('the owner of two tabs, killed at twenty moments of a write, hands over with every edit once', async () => {
  for (let round = 0; round < 20; round += 1) {
    const [first, second] = [await open(context, site, { name: 'two', user }), await open(context, site, { name: 'two', user })]
    assert.ok(await first.evaluate(() => replica.owns))
    const edits = second.evaluate(async (round) => {
      const ids = []
      for (let n = 0; n < 12; n += 1) ids.push(await replica.tasks.create({ title: `${round}.${n}` }))
      return ids
    }, round)
    await until('some are written', () => first.evaluate(([round, n]) => replica.query('SELECT count(*) FROM tasks WHERE title LIKE ?', [`${round}.%`]).then(({ rows }) => rows[0][0] > n), [round, round % 8]))
    // Gone at once, with its worker, and nothing is said to anybody.
    await first.evaluate(() => replica.worker.terminate())
    const ids = await edits
    const there = await second.evaluate((round) => replica.query('SELECT id FROM tasks WHERE title LIKE ? ORDER BY id', [`${round}.%`]), round)
    assert.deepEqual(there.rows.map(([id]) => id).sort(), [...new Set(ids)].sort(), `round ${round}`)
    await first.close()
    await second.close()
  }
})
