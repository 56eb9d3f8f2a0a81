// Measures the first sync of a whole company in Chromium, as its manager gets it: until a first screen of accounts
// can be used, until everything is there, and how often the page is kept from other work meanwhile. ACCOUNTS names
// companies by their accounts: 1600 is the small broker that the other benches have, 5000 has some 50,000 records.
import { Cleanup, World, open, pages, until } from '../test/kit.mjs'
import { figures } from './figures.mjs'

const COMPANIES = (process.env.ACCOUNTS ?? '1600,5000').split(',').map(Number)
const SCREEN = 50

/** A server with a made-up company. */
const companyOf = (accounts) => class extends World {
  people() { this.run('seed', '--accounts', String(accounts), '--weeks', '20') }
}

const { say, write } = figures('browser.company.')
const site = await pages(figures.pages)
try {
  for (const accounts of COMPANIES) {
    const cleanup = new Cleanup()
    const world = await companyOf(accounts).begin(site.url)
    try {
      const page = await open(await cleanup.device(), site, { name: 'mia', token: world.token('mia@demo.example'), url: world.url }, () => {
        globalThis.long = []
        new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })
        globalThis.began = performance.now()
      })
      // As the app's list of accounts: the first that fill a screen, and a search.
      const screen = await page.evaluate(async (screen) => {
        for await (const { rows } of replica.watch('SELECT id, name FROM organizations WHERE NOT is_deleted ORDER BY name LIMIT ?', [screen])) {
          if (rows.length < screen) continue
          await replica.search(rows[0][1])
          return performance.now() - began
        }
      }, SCREEN)
      const whole = () => page.evaluate(() => replica.status.link === 'live' && replica.status.incomplete === null && performance.now() - began)
      const all = await until('everything is there', whole)
      const { records, long } = await page.evaluate(() => ({ records: replica.status.records, long }))
      const floor = await figures.floor(await cleanup.device(), site, records)
      say(`${records}.first_screen`, screen, 'ms until it can be used')
      say(`${records}.bootstrap`, all, 'ms', floor)
      say(`${records}.long_tasks`, long.filter((ms) => ms > 50).length, `tasks over 50 ms on the page; the longest ${Math.round(Math.max(0, ...long))} ms`)
    } finally {
      await cleanup.end()
      await world.end()
    }
  }
  write()
} finally {
  site.close()
}
