// The floor: the same rows in SQLite's own WebAssembly on the browser's file system, without documents, outbox or server.
import sqlite3InitModule from '/sqlite/index.mjs'

const COLUMNS = 12
let db
const calls = {
  async open() {
    const sqlite = await sqlite3InitModule({ locateFile: (file) => `/sqlite/${file}` })
    const pool = await sqlite.installOpfsSAHPoolVfs({ name: 'floor', directory: 'floor', initialCapacity: 8 })
    db = new pool.OpfsSAHPoolDb('/floor.db')
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -10000')
    db.exec(`CREATE TABLE IF NOT EXISTS rows (id TEXT PRIMARY KEY, ${Array.from({ length: COLUMNS - 1 }, (_, n) => `c${n}`).join()})`)
  },
  /** In transactions of as many rows as a batch of the feed has. */
  fill(count) {
    const put = db.prepare(`INSERT OR REPLACE INTO rows VALUES (${Array(COLUMNS).fill('?').join()})`)
    for (let at = 0; at < count; at += 500) {
      db.transaction(() => {
        for (let n = at; n < Math.min(at + 500, count); n += 1) put.bind([`id${n}`, ...Array.from({ length: COLUMNS - 1 }, (_, c) => `value ${n} of ${c}`)]).stepReset()
      })
    }
    put.finalize()
  },
  edit(n) {
    db.exec({ sql: 'UPDATE rows SET c0 = ? WHERE id = ?', bind: [`edit ${n}`, `id${n}`] })
    channel.postMessage(n)
  },
}
const channel = new BroadcastChannel('floor')
self.onmessage = async ({ data: [call, argument] }) => {
  await calls[call](argument)
  self.postMessage(call)
}
