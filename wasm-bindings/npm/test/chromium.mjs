// A browser without a test driver's own habits: Playwright keeps every page awake and switches off the cache of
// pages that were left, which is what some tests are of.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { until } from './kit.mjs'

const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--remote-debugging-port=0']

/** Chromium, spoken to in its own protocol. */
export class Chromium {
  #last = 0
  #asked = new Map()

  static async begin() {
    const chromium = new this()
    chromium.folder = await mkdtemp(join(tmpdir(), 'pantry-chromium-'))
    chromium.process = spawn(process.env.CHROMIUM ?? '/usr/bin/chromium', [...FLAGS, `--user-data-dir=${chromium.folder}`, 'about:blank'], { stdio: 'ignore' })
    const text = await until('the browser says where it is', () => readFile(join(chromium.folder, 'DevToolsActivePort'), 'utf8').catch(() => null))
    const [port, path] = text.trim().split('\n')
    chromium.line = new WebSocket(`ws://127.0.0.1:${port}${path}`)
    await once(chromium.line, 'open')
    chromium.line.on('message', (data) => chromium.#heard(JSON.parse(data)))
    return chromium
  }

  ask(method, params = {}, sessionId = undefined) {
    this.#last += 1
    const id = this.#last
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject, method })
      this.line.send(JSON.stringify({ id, method, params, sessionId }))
    })
  }
  #heard({ id, result, error }) {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    error ? asked?.reject(new Error(`${asked.method}: ${error.message}`)) : asked?.resolve(result)
  }

  async page(url) {
    const { targetId } = await this.ask('Target.createTarget', { url: 'about:blank', newWindow: true })
    const { sessionId } = await this.ask('Target.attachToTarget', { targetId, flatten: true })
    const page = new Page(this, targetId, sessionId)
    await page.ask('Page.enable')
    await page.goto(url)
    return page
  }
  async end() {
    const gone = once(this.process, 'exit')
    await this.ask('Browser.close').catch(() => {})
    await gone
    await rm(this.folder, { recursive: true, force: true })
  }
}

class Page {
  constructor(chromium, target, session) { Object.assign(this, { chromium, target, session }) }
  ask(method, params) { return this.chromium.ask(method, params, this.session) }

  /** The value of a function in the page. */
  async evaluate(what, argument) {
    const expression = `(${what})(${JSON.stringify(argument)})`
    const { result, exceptionDetails } = await this.ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }
  async goto(url) {
    await this.ask('Page.navigate', { url })
    await this.isAt(url)
  }
  /** Goes back to the page before. */
  async back() {
    const { currentIndex, entries } = await this.ask('Page.getNavigationHistory')
    const { id, url } = entries[currentIndex - 1]
    await this.ask('Page.navigateToHistoryEntry', { entryId: id })
    await this.isAt(url)
  }
  /** A page that is just being left may never answer, so that it is asked again. */
  isAt(url) {
    const asked = () => this.evaluate((url) => location.href.startsWith(url) && document.readyState === 'complete', url).catch(() => false)
    const later = () => new Promise((resolve) => setTimeout(resolve, 1000, false))
    return until(`the page is at ${url}`, () => Promise.race([asked(), later()]))
  }
  lifecycle(state) { return this.ask('Page.setWebLifecycleState', { state }) }
  close() { return this.chromium.ask('Target.closeTarget', { targetId: this.target }) }
}

/** Opens a replica in a page; it is `replica` there, and what it told is in `notices`. */
export async function openIn(chromium, site, options) {
  const page = await chromium.page(site.url)
  await page.evaluate(async (options) => {
    const { openReplica } = await import('/pantry/index.js')
    globalThis.notices = []
    globalThis.replica = await openReplica({ ...options, onNotice: (notice) => notices.push(notice) })
  }, options)
  return page
}
