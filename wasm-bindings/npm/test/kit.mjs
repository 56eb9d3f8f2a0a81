// A real server with a database of its own, pages that it does not serve, and a browser.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { chromium } from 'playwright-core'

const root = new URL('../../..', import.meta.url).pathname
const programs = process.env.PANTRY_PROGRAMS ?? join(root, 'target/quick')
const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm', '.map': 'application/json' }

export const PAGE = '<!doctype html><meta charset="utf-8"><title>test</title>'

/** Serves dist/ under /pantry/, scripts that are given by their paths, what a folder has, and an empty page
 *  everywhere else. */
export async function pages(scripts = {}, folder = null) {
  const server = createServer(async ({ url }, response) => {
    const path = new URL(url, 'http://localhost').pathname
    const script = scripts[path]
    if (script?.policy) response.setHeader('content-security-policy', script.policy)
    if (script) return response.setHeader('content-type', types['.js']).end(script.text ?? script)
    const own = folder && (await readFile(join(folder, path)).catch(() => null))
    if (own) return response.setHeader('content-type', types[extname(path)] ?? 'text/plain').end(own)
    if (!path.startsWith('/pantry/')) return response.setHeader('content-type', 'text/html').end(PAGE)
    try {
      const file = await readFile(join(root, 'wasm-bindings/npm/dist', path.slice('/pantry/'.length)))
      response.setHeader('content-type', types[extname(path)] ?? 'text/plain').end(file)
    } catch {
      response.writeHead(404).end()
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }
}

/** A server with a manager and two reps. */
export class World {
  static async begin(origin, env = {}) {
    const world = new this()
    const admin = process.env.DATABASE_URL
    world.database = `pantry_web_${process.pid}_${Math.floor(Math.random() * 1e9)}`
    world.admin = admin
    world.sql(admin, `CREATE DATABASE ${world.database}`)
    world.port = await freePort()
    world.env = {
      ...process.env,
      DATABASE_URL: admin.replace(/\/[^/]*$/, `/${world.database}`),
      SUPABASE_JWT_SECRET: 'a secret for tests that is long enough',
      PORT: String(world.port),
      ALLOWED_ORIGINS: origin,
      LOG_LEVEL: 'warn',
      ...env,
    }
    world.run('migrate', 'up')
    world.people()
    await world.start()
    return world
  }

  /** Who is there from the beginning. */
  people() {
    this.run('user', 'add', '--email', 'mia@example.com', '--first', 'Mia', '--last', 'Manager', '--role', 'manager')
    for (const [email, first] of [['rosa@example.com', 'Rosa'], ['omar@example.com', 'Omar']]) {
      this.run('user', 'add', '--email', email, '--first', first, '--last', 'Rep', '--role', 'sales_rep', '--manager', 'mia@example.com')
    }
  }

  get url() { return `ws://127.0.0.1:${this.port}/sync` }

  sql(url, ...statements) {
    return execFileSync('psql', ['-qAt', url, ...statements.flatMap((one) => ['-c', one])], { encoding: 'utf8' }).trim()
  }
  select(statement) { return this.sql(this.env.DATABASE_URL, statement) }
  run(...args) { return execFileSync(join(programs, 'sync-server'), args, { env: this.env, encoding: 'utf8' }).trim() }
  token(email) { return this.run('token', '--user', email) }

  async start() {
    this.server = spawn(join(programs, 'sync-server'), ['serve'], { env: this.env, stdio: ['ignore', 'inherit', 'inherit'] })
    await until('the server answers', () => fetch(`http://127.0.0.1:${this.port}/health`).then((r) => r.ok, () => false))
  }
  async stop() {
    this.server.kill('SIGKILL')
    await once(this.server, 'exit')
  }
  async end() {
    await this.stop()
    this.sql(this.admin, `DROP DATABASE ${this.database} WITH (FORCE)`)
  }
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits for something that will be so; two minutes are for machines that do much else. */
export async function until(what, isIt) {
  const end = Date.now() + 120_000
  for (;;) {
    const found = await isIt()
    if (found) return found
    if (Date.now() > end) throw new Error(`not within two minutes: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** A browser that keeps what it stores in a folder, as a person's does. */
export function browser(folder) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  return chromium.launchPersistentContext(folder, { executablePath, headless: true, args: FLAGS })
}

/** Opens a replica in a page; it is `replica` there from then on, and what it told is in `notices`. */
export async function open(context, site, options, before) {
  const page = await context.newPage()
  page.on('pageerror', (error) => console.error('page:', error.message))
  await page.goto(site.url)
  if (before) await page.evaluate(before)
  await page.evaluate(async ({ token, script, ...options }) => {
    const { openReplica } = await import('/pantry/index.js')
    if (script) options.worker = () => new Worker(script, { type: 'module' })
    globalThis.notices = []
    globalThis.token = token
    const opened = { onNotice: (notice) => notices.push(notice), ...(token !== undefined && { token: async () => globalThis.token }) }
    globalThis.replica = await openReplica({ ...options, ...opened })
  }, options)
  return page
}

/** The code with which something in a page fails; null when it does not. */
export const codeOf = (page, what, arg) => page.evaluate(what, arg).then(() => null, (error) => /PantryError: (?<code>\w+)/.exec(error.message)?.groups.code ?? error.message)

/** What is undone when tests are over: folders of browsers, and whatever else was begun. */
export class Cleanup {
  #folders = []
  #browsers = []
  /** A browser on a device of its own. */
  async device() {
    const folder = await mkdtemp(join(tmpdir(), 'pantry-browser-'))
    this.#folders.push(folder)
    const context = await browser(folder)
    this.#browsers.push(context)
    return context
  }
  async end() {
    await Promise.all(this.#browsers.map((context) => context.close()))
    await Promise.all(this.#folders.map((folder) => rm(folder, { recursive: true, force: true })))
  }
}
