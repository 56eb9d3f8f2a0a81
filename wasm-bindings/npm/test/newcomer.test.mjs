// A newcomer's first page: what the README says, step by step, from the tarball to a live list that syncs.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createServer } from 'vite'
import { Cleanup, World, freePort, until } from './kit.mjs'

const here = new URL('..', import.meta.url).pathname
const cleanup = new Cleanup()
let folder, vite, world, site

/** The blocks of the README that a newcomer copies, by the file that they are for; the commands are `sh`. */
function steps() {
  const readme = readFileSync(join(here, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/(?:\*\*([\w.]+)\*\*:\n\n)?```(\w+) newcomer\n(.*?)```/gs)]
  return new Map(blocks.map(([, file, language, text]) => [file ?? language, text]))
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pantry-newcomer-'))
  execFileSync('npm', ['pack', here, '--silent', '--ignore-scripts'], { cwd: folder })
  // Its port is known before the server is told of it.
  const port = await freePort()
  site = `http://localhost:${port}`
  world = await World.begin(site)
})
after(async () => {
  await cleanup.end()
  await vite?.close()
  await world?.end()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

test('a page of the README shows a list that is live and syncs, on two devices', async () => {
  const found = steps()
  assert.deepEqual([...found.keys()], ['sh', 'index.html', 'main.js', 'vite.config.js'])
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')))
  // Vite is what this package was tried with: it is not fetched again.
  const commands = found.get('sh').replace('"$PACKAGE" vite', '"$PACKAGE" --silent --offline --no-audit --no-fund').replace(/\$\(sync-server .*?\)/, world.token('rosa@example.com'))
  execFileSync('sh', ['-ec', commands], { cwd: folder, env: { ...process.env, PACKAGE: tarball }, stdio: ['ignore', 'ignore', 'inherit'] })
  const app = join(folder, 'my-page')
  symlinkSync(join(here, 'node_modules/vite'), join(app, 'node_modules/vite'))
  for (const [name, text] of found) if (name !== 'sh') writeFileSync(join(app, name), text.replace('ws://127.0.0.1:3000/sync', world.url))
  vite = await createServer({ root: app, logLevel: 'error', server: { host: 'localhost', port: Number(new URL(site).port), strictPort: true } })
  await vite.listen()

  const [one, other] = await Promise.all([device(), device()])
  await add(one, 'Café Zoë')
  await until('it is in the list', async () => (await list(one)).join() === 'Café Zoë')
  await until('the server has it', () => world.select("SELECT count(*) FROM organizations WHERE name = 'Café Zoë'") === '1')
  await until('the other device shows it', async () => (await list(other)).join() === 'Café Zoë')

  await world.stop()
  await add(other, 'Blue Door')
  await until('it is in the list without a server', async () => (await list(other)).join() === 'Blue Door,Café Zoë')
  await until('the page says so', async () => /1 not sent/.test(await other.getByRole('status').innerText()))
  await world.start()
  await until('the first device shows it', async () => (await list(one)).join() === 'Blue Door,Café Zoë')
  await until('nothing is unsent', async () => /live, 0 not sent/.test(await other.getByRole('status').innerText()))
})

async function device() {
  const page = await (await cleanup.device()).newPage()
  await page.goto(site)
  return page
}
async function add(page, name) {
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Add' }).click()
}
const list = (page) => page.locator('li').allInnerTexts()
