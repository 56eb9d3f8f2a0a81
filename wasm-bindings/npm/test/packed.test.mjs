// The package as others get it: packed, installed from its tarball, and used as its README says.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { build } from 'vite'
import { Cleanup, World, pages, until } from './kit.mjs'

const here = new URL('..', import.meta.url).pathname
const cleanup = new Cleanup()
let folder, site, world, token

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pantry-packed-'))
  const npm = (...args) => execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  npm('pack', here, '--silent', '--ignore-scripts')
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  npm('install', `./${tarball}`, '--silent', '--no-audit', '--no-fund', '--offline')
  site = await pages({}, folder)
  world = await World.begin(site.url)
  token = world.token('rosa@example.com')
})
after(async () => {
  await cleanup.end()
  await world?.end()
  site?.close()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

/** The first example under a heading of the README, with the addresses of this test. */
function example(heading = '# ') {
  const readme = readFileSync(join(folder, 'node_modules/@kitchen-pantry/sync/README.md'), 'utf8')
  const [, code] = /```js\n(.*?)```/s.exec(readme.slice(readme.indexOf(heading)))
  assert.match(code, /wss:\/\/crm\.example\.com\/sync/)
  return code.replace('wss://crm.example.com/sync', world.url).replace("'/token'", "'/token.txt'")
}

/** Opens a page of the folder, and waits until the example prints what it made and the server has it. */
async function shows(path, times) {
  writeFileSync(join(folder, 'token.txt'), token)
  const page = await (await cleanup.device()).newPage()
  const printed = []
  page.on('console', async (message) => printed.push(JSON.stringify(await message.args()[0]?.jsonValue().catch(() => null))))
  page.on('pageerror', (error) => printed.push(error.message))
  await page.goto(`${site.url}${path}`)
  await until(`${path} shows it: ${printed}`, () => printed.some((line) => line?.includes('Café Zoë') && line.includes('Ring twice.')))
  await until('the server has it', () => Number(world.select(`SELECT count(*) FROM public.organizations WHERE name = 'Café Zoë' AND notes = 'Ring twice.'`)) >= times)
}

test('the tarball holds the licence, the README, the engine and the types, and nothing of the sources', () => {
  const root = join(folder, 'node_modules/@kitchen-pantry/sync')
  for (const file of ['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts', 'dist/vue.js', 'dist/vue.d.ts', 'dist/manage.js', 'dist/manage.d.ts', 'dist/worker.js', 'dist/node.js', 'dist/node.d.ts', 'dist/node-worker.js', 'dist/engine.wasm', 'dist/import.js', 'dist/import.d.ts', 'dist/import.wasm']) {
    assert.ok(existsSync(join(root, file)), file)
  }
  assert.deepEqual(readdirSync(root).sort(), ['LICENSE', 'README.md', 'dist', 'package.json'])
})

test("the README's example runs in a plain page", async () => {
  const imports = JSON.stringify({ imports: { '@kitchen-pantry/sync': '/node_modules/@kitchen-pantry/sync/dist/index.js' } })
  writeFileSync(join(folder, 'plain.html'), `<!doctype html><meta charset="utf-8"><script type="importmap">${imports}</script><script type="module">${example()}</script>`)
  await shows('/plain.html', 1)
})

test("the README's example passes the type checker and runs in an app that Vite built", async () => {
  const app = join(folder, 'vite')
  mkdirSync(app)
  writeFileSync(join(app, 'index.html'), '<!doctype html><meta charset="utf-8"><script type="module" src="/main.ts"></script>')
  writeFileSync(join(app, 'main.ts'), example())
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'es2022', '--moduleResolution', 'bundler', '--lib', 'es2023,dom']
  execFileSync(join(here, 'node_modules/.bin/tsc'), [...options, 'main.ts'], { cwd: app, stdio: 'inherit' })
  await build({ root: app, base: '/vite/dist/', logLevel: 'error', worker: { format: 'es' }, build: { target: 'es2022', assetsInlineLimit: 0 } })
  const assets = readdirSync(join(app, 'dist/assets'))
  assert.ok(assets.some((name) => /^engine-.*\.wasm$/.test(name)) && assets.some((name) => /^worker-.*\.js$/.test(name)), `${assets}`)
  await shows('/vite/dist/index.html', 2)
})

/** Runs a script in Node, where the package was installed; what it prints. */
function runs(script, env = {}) {
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env }, timeout: 300_000 })
}

test("the README's example runs in Node against a server, and ends", () => {
  const printed = runs(example('## In Node'), { TOKEN: token })
  assert.match(printed, /title: 'Call back'/)
  assert.match(printed, / 0$/m, 'nothing is unsent')
  assert.equal(world.select("SELECT count(*) FROM public.tasks WHERE title = 'Call back'"), '1')
})

test('two replicas in one process of Node are two devices: what one edits is live in the other', () => {
  const printed = runs(`
    import { openReplica } from '@kitchen-pantry/sync'
    const open = (token) => openReplica({ name: 'a', url: '${world.url}', token: async () => token })
    const [rosa, mia] = [await open(process.env.ROSA), await open(process.env.MIA)]
    const id = await rosa.transaction((tx) => tx.organizations.create({ name: 'Made in Node', tags: ['patio'] }))
    for await (const [account] of mia.organizations.watch({ filter: "name = 'Made in Node'" })) {
      if (account?.notes === 'Ring twice.') { console.log(JSON.stringify([account.id === id, account.tags])); break }
      if (account) await rosa.organizations.update(id, { notes: 'Ring twice.' })
    }
    console.log(await mia.search('node').then(([hit]) => hit.title), rosa.status.storage)
    await Promise.all([rosa.close(), mia.close()])`, { ROSA: token, MIA: world.token('mia@example.com') })
  assert.equal(printed, '[true,["patio"]]\nMade in Node memory\n')
})

test('in Node it does nothing when it is loaded, and says what it cannot do when it is used', () => {
  const printed = runs(`const before = Object.keys(globalThis).length
    const { openReplica } = await import('@kitchen-pantry/sync')
    if (Object.keys(globalThis).length !== before) throw new Error('it left something')
    const code = (options) => openReplica({ name: 'a', ...options }).then(() => 'opened', ({ code }) => code)
    console.log(await code({ storage: 'opfs' }), await code({ wasm: 'file:///nowhere.wasm' }), await code({}))`)
  assert.equal(printed, 'no_storage no_engine no_user\n')
})
