// Components that show what is on the device.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { build } from 'esbuild'
import { Cleanup, pages, until } from './kit.mjs'

const APP = `
import { createApp, h, ref } from 'vue'
import { provideReplica, useList, useQuery, useRecord, useSyncStatus } from '@kitchen-pantry/sync/vue'

const Shown = {
  setup() {
    const level = ref('A')
    const chosen = ref(null)
    Object.assign(globalThis, { level, chosen })
    const accounts = useList('organizations', () => ({ filter: \`priority_level = '\${level.value}'\` }))
    const count = useQuery('SELECT count(*) AS n FROM organizations WHERE priority_level = ?', () => [level.value])
    const one = useRecord('organizations', chosen)
    const sometimes = useQuery(() => (level.value === 'B' ? 'SELECT 7 AS n' : null))
    const bad = useQuery('SELECT nonsense')
    const status = useSyncStatus()
    return () => h('pre', JSON.stringify({
      names: accounts.data.value?.map(({ name }) => name), count: count.data.value?.[0].n,
      one: one.data.value?.name ?? one.data.value, error: bad.error.value?.code, sometimes: sometimes.loading.value ? 'loading' : (sometimes.data.value?.[0].n ?? 'nothing'), loading: accounts.loading.value, unsent: status.value?.unsent,
    }))
  },
}
export function show(replica) {
  const app = createApp({ setup() { provideReplica(replica); return () => h(Shown) } })
  app.mount(document.body.appendChild(document.createElement('main')))
  return app
}
`
const cleanup = new Cleanup()
let site

before(async () => {
  const define = { 'process.env.NODE_ENV': '"production"', __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' }
  const alias = { '@kitchen-pantry/sync/vue': new URL('../dist/vue.js', import.meta.url).pathname }
  const { outputFiles: [app] } = await build({ stdin: { contents: APP, resolveDir: new URL('.', import.meta.url).pathname }, bundle: true, format: 'esm', write: false, define, alias })
  site = await pages({ '/app.js': app.contents })
})
after(async () => {
  await cleanup.end()
  site?.close()
})

test('lists, records, queries and the status are live in components, and end with them', async () => {
  const page = await (await cleanup.device()).newPage()
  const errors = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(site.url)
  await page.evaluate(async () => {
    const [{ openReplica }, { show }] = await Promise.all([import('/pantry/index.js'), import('/app.js')])
    const opening = openReplica({ name: 'vue', user: '01a21c3c-f929-7000-8000-000000000001' })
    globalThis.app = show(opening)
    globalThis.replica = await opening
  })
  const shown = async () => JSON.parse(await page.locator('pre').textContent())
  const shows = (what, wanted) => until(what, async () => { const now = await shown(); return Object.entries(wanted).every(([key, value]) => JSON.stringify(now[key]) === JSON.stringify(value)) })
  await shows('nothing at first', { names: [], count: 0, one: null, error: 'bad_query', loading: false, sometimes: 'nothing' })
  const id = await page.evaluate(() => replica.organizations.create({ name: 'Café', priority_level: 'A' }))
  await page.evaluate((id) => { chosen.value = id }, id)
  await shows('what was made', { names: ['Café'], count: 1, one: 'Café', unsent: 1 })
  await page.evaluate((id) => replica.organizations.update(id, { priority_level: 'B', name: 'Café Zoë' }), id)
  await shows('what became of it', { names: [], count: 0, one: 'Café Zoë' })
  await page.evaluate(() => { level.value = 'B' })
  await shows('what is asked instead', { names: ['Café Zoë'], count: 1, sometimes: 7 })
  await page.evaluate(() => { app.unmount(); return replica.organizations.create({ name: 'Unseen' }) })
  assert.equal(await page.locator('pre').count(), 0)
  assert.deepEqual(errors, [])
})
