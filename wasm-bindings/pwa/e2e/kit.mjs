// The app as people have it: served by a real server with a database of its own, in a browser that keeps
// what it stores in a folder.
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { browser, until, World } from '../../npm/test/kit.mjs'

export { until }
const dist = new URL('../dist', import.meta.url).pathname
export const PHONE = { width: 390, height: 844 }
export const DESK = { width: 1280, height: 800 }

/** A server that serves the app, with Mia, a manager, and her reps Rosa and Omar. */
export class Office extends World {
  static async open(env = {}) {
    const office = await super.begin('', { APP_DIR: dist, ...env })
    office.site = `http://127.0.0.1:${office.port}`
    return office
  }
  /** Whoever came, so that a test that failed leaves no browser open. */
  guests = []
  async end() {
    await Promise.all(this.guests.map((person) => person.end()))
    await super.end()
  }
  /** In the server's place: takes one token, and has nothing to say otherwise. */
  async answersTokens(token) {
    const gate = createServer(({ url, headers }, response) => {
      const is = url === '/api/refused' ? (headers.authorization === `Bearer ${token}` ? 200 : 401) : 404
      response.writeHead(is, { 'content-type': 'application/json' }).end('{}')
    }).listen(this.port, '127.0.0.1')
    await once(gate, 'listening')
    return { token, close: () => new Promise((closed) => { gate.close(closed); gate.closeAllConnections() }) }
  }
  domain = 'example.com'
}

/** One with a made-up company: accounts, contacts, deals, visits and tasks. */
export class SeededOffice extends Office {
  domain = 'demo.example'
  people() { this.run('seed', '--accounts', '200') }
}

/** A browser of somebody's; it keeps what it stores until `end`, also when it is killed. */
export class Person {
  constructor(office, name, folder = mkdtempSync(join(tmpdir(), 'pantry-'))) {
    Object.assign(this, { office, name, folder })
  }
  static async at(office, name, viewport = PHONE) {
    const person = new Person(office, name)
    office.guests.push(person)
    await person.start(viewport)
    await person.page.goto(`${office.site}/sign-in#token=${office.token(`${name}@${office.domain}`)}`)
    await person.page.waitForSelector('[data-test=sync-chip]')
    return person
  }
  async start(viewport = PHONE) {
    this.context = await browser(this.folder)
    this.page = this.context.pages()[0] ?? (await this.context.newPage())
    this.problems = []
    this.page.on('pageerror', (error) => this.problems.push(error.message))
    await this.page.setViewportSize(viewport)
  }
  async go(path) {
    await this.page.goto(this.office.site + path)
    await this.page.waitForSelector('[data-test=sync-chip]')
  }
  /** Another screen without another start, as by a tap. */
  async turnTo(path) {
    await this.page.evaluate((path) => {
      history.pushState({}, '', path)
      dispatchEvent(new PopStateEvent('popstate', { state: {} }))
    }, path)
    await this.page.waitForFunction((path) => location.pathname === path && document.querySelector('[data-test=sync-chip]'), path)
  }
  /** Once the app is kept on the device, it starts without a network. */
  async isKept() {
    await until('the app is kept on the device', () =>
      this.page.evaluate(() => navigator.serviceWorker.ready.then(({ active }) => active?.state === 'activated' && !!navigator.serviceWorker.controller)))
  }
  chip() { return this.page.locator('[data-test=sync-chip]').innerText() }
  async allIsSent() {
    await until(`${this.name}'s work is sent`, async () => /All sent/.test(await this.chip()))
  }
  /** Once the first copy of the records is whole. */
  async hasEverything() {
    await until('everything has come', async () => (await this.rows('SELECT count(*) FROM organizations'))[0][0] > 0 && (await this.status()).incomplete === null)
  }
  status() { return this.page.evaluate(() => globalThis.pantry.status) }
  /** What is on the device, by SQL. */
  async rows(sql) { return (await this.page.evaluate((sql) => globalThis.pantry.query(sql), sql)).rows }
  /** As a phone whose battery is empty. */
  async kill() {
    const [pid] = await this.processes()
    process.kill(pid, 'SIGKILL')
    await this.context.close().catch(() => {})
  }
  async processes() {
    const { execFileSync } = await import('node:child_process')
    return execFileSync('pgrep', ['-f', `user-data-dir=${this.folder}`], { encoding: 'utf8' }).trim().split('\n').map(Number)
  }
  async end() {
    await this.context.close().catch(() => {})
  }
}
