// A tour of the protocol against a real server: `node tour.mjs URL USER TOKEN`. Prints its steps. Where
// somebody else is to act, it prints `wait: WHAT {JSON}` and goes on when a line comes. At the end it
// prints the rows that it holds as `rows: {JSON}`.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import * as Automerge from '@automerge/automerge'
import { str, whole } from './documents.mjs'
import { documentKinds } from './fields.mjs'
import { hex, idText } from './messages.mjs'
import { cellsOf } from './rows.mjs'
import { Session } from './session.mjs'
import { Store } from './store.mjs'

const [url, user, token] = process.argv.slice(2)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (text) => console.log(text)
const step = (text) => say(`step: ${text}`)
async function wait(what, told = {}) {
  say(`wait: ${what} ${JSON.stringify(told)}`)
  const { value, done } = await lines.next()
  if (done) throw new Error('nobody is there')
  return value
}

const store = new Store(user)
const row = (record) => store.meaning(record)?.row
const connect = async () => {
  const session = new Session(store, (text) => say(`  ${text}`))
  const welcome = await session.connect(url, token)
  return { session, welcome }
}

step('greet')
let { session, welcome } = await connect()
assert.equal(idText(welcome.user), user)
say(`  ${welcome.role}, epoch ${hex(welcome.epoch)}`)

step('bootstrap')
await session.sync()
const [[theirs]] = [...store.records].filter(([, held]) => held.kind === 'organization')
say(`  ${store.records.size} records, ${store.rows.size} rows of the server`)
assert.equal(row(theirs).name, 'Made by another device')

step('edit by every merge rule')
const account = store.begin('organization', (doc) => {
  doc.name = str('Café Zoë 🍜')
  doc.priority_level = str('B')
  doc.billing_address = whole({ street: '1 Main St', city: 'Albany', country: null })
  doc.location = whole({ lat: 42.6526, lng: -73.7562, accuracy_m: 8.5 })
  doc.phones['+15185550100'] = true
  doc.emails['kitchen@zoe.example'] = true
  doc.tags.patio = true
  doc.custom_fields.Gate = str('2')
  Automerge.splice(doc, ['notes'], 0, 0, 'Ring twice 🛎 at the back door')
})
store.edit(account, (doc) => {
  doc.website = str('https://zoe.example')
  doc.employee_count = 12
  doc.needs_review = true
  doc.tags.bar = true
  delete doc.tags.patio
  Automerge.splice(doc, ['notes'], 5, 5, 'three times')
})
store.edit(account, (doc) => {
  doc.employee_count = null
})
store.log(account, 'life', { action: 'delete' })
store.log(account, 'life', { action: 'restore' })
const contact = store.begin('contact', (doc) => {
  doc.first_name = str('Zoë')
  doc.last_name = str('Martin')
  doc.birthday = str('1990-02-28')
  doc.do_not_contact = false
})
store.log(contact, 'employer', { organization_id: account })
const deal = store.begin('opportunity', (doc) => {
  doc.organization_id = str(account)
  doc.name = str('Noodles for all')
  doc.estimated_value = whole({ minor: 125_001, currency: 'USD' })
  doc.budget_confirmed = true
  doc.contacts[contact] = true
})
store.log(deal, 'stage_log', { stage: 'negotiation' })
store.log(deal, 'stage_log', { stage: 'closed-won', evidence: 'signed', close_date: '2026-03-01' })
const visit = store.begin('interaction', (doc) => {
  doc.organization_id = str(account)
  doc.user_id = str(user)
  doc.occurred_at = new Date(Date.now() - 60_000)
  doc.interaction_type = str('VISIT')
  doc.check_in = whole({ at_ms: Date.now() - 60_000, lat: 42.5, lng: -73.25 })
})
store.edit(visit, (doc) => {
  doc.check_out ??= whole({ at_ms: Date.now(), lat: 42.5, lng: -73.25 })
})
store.log(visit, 'status_log', { status: 'completed' })
const task = store.begin('task', (doc) => {
  doc.title = str('Send the menu')
  doc.due_date = str('2026-03-09')
  doc.assignee_id = str(user)
  doc.organization_id = str(account)
})
store.log(task, 'completion', { action: 'complete' })
await session.sync()
assert.deepEqual(store.quarantine, [])
assert.equal(store.outbox.length, 0)
assert.equal(row(account).notes, 'Ring three times 🛎 at the back door')
assert.equal(row(deal).probability, 100)

step('contest what another device writes at the same time')
await session.close()
store.edit(account, (doc) => {
  doc.priority_level = str('C')
  doc.cuisine = str('Thai')
  doc.tags.roof = true
})
store.edit(deal, (doc) => {
  doc.budget_confirmed = true
  doc.estimated_value = whole({ minor: 90_000, currency: 'USD' })
})
store.edit(task, (doc) => {
  doc.due_date = str('2026-03-12')
})
store.edit(contact, (doc) => {
  doc.do_not_contact = false
  doc.job_title = str('Chef')
})
await wait('contest', { account, contact, deal, task })
;({ session, welcome } = await connect())
await session.sync()
assert.equal(row(account).priority_level, 'A')
assert.ok(row(account).conflict_count >= 2)
assert.equal(row(task).due_date, '2026-03-05')
assert.equal(row(contact).do_not_contact, true)
assert.equal(row(deal).budget_confirmed, false)
assert.equal(row(deal).estimated_value_minor, 90_000)

step('settle a conflict')
const shown = row(account).cuisine
store.edit(account, (doc) => {
  doc.cuisine = str(shown)
})
await session.sync()
assert.ok(!store.meaning(account).conflicts.some((conflict) => conflict.field === 'cuisine'))

step('be refused, and make again what was built on it')
store.edit(account, (doc) => {
  doc.merged_into = str(theirs)
})
store.edit(visit, (doc) => {
  doc.check_out = whole({ at_ms: Date.now(), lat: 0, lng: 0 })
})
store.edit(account, (doc) => {
  doc.industry_segment = str('fine dining')
})
store.edit(account, (doc) => {
  doc.location = whole({ lat: 95, lng: 0 })
})
await session.sync()
const codes = store.quarantine.map(({ refusal }) => refusal.code)
assert.deepEqual(codes, ['server_only', 'immutable', 'bad_value'])
assert.equal(row(visit).check_out_lat, 42.5)
assert.equal(row(account).industry_segment, 'fine dining')
assert.equal(row(account).merged_into, null)
assert.equal(row(account).location_lat, 42.6526)
const foreign = await wait('foreign')
store.begin('task', (doc) => {
  doc.title = str('On an account of another')
  doc.organization_id = str(foreign)
})
await session.sync()
assert.equal(store.quarantine.at(-1).refusal.code, 'denied')

step('ask')
const trial = new Store(user, store.replica)
trial.records = new Map(store.records)
trial.edit(account, (doc) => {
  doc.business_type = str('independent')
})
trial.edit(theirs, (doc) => {
  doc.merged_into = str(account)
})
const opinions = await session.ask(trial.unsent(2))
say(`  ${opinions.join(', ')}`)
assert.deepEqual(opinions, ['accepted', 'server_only'])
assert.equal(row(account).business_type, null)

step('be evicted')
store.edit(account, (doc) => {
  doc.website = str('https://late.example')
})
await wait('evict', { account })
await session.sync()
for (const record of [account, contact, deal, visit, task]) assert.equal(store.records.has(record), false, record)
assert.ok(store.records.has(theirs))

step('resume')
await session.close()
const held = store.records.size
await wait('resume', { theirs })
;({ session, welcome } = await connect())
await session.sync()
say(`  ${store.records.size} records, ${session.taken} of them anew`)
assert.equal(row(theirs).cuisine, 'Lao')
assert.equal(store.records.size, held)
assert.equal(session.taken, 1)
await session.close()

const rows = documentKinds.map((kind) => {
  const records = [...store.records].filter(([, { kind: name }]) => name === kind.name).map(([record]) => record)
  return [kind.name, records.sort().map((record) => cellsOf(kind, row(record)))]
})
say(`rows: ${JSON.stringify(Object.fromEntries(rows))}`)
process.exit(0)
