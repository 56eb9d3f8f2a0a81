// Room that is held back, so that what was refused for want of it can still be sent and taken off the list.
import { root, reserveOf } from './folder.js'

/** Enough for the verdicts of many edits. */
const RESERVE_BYTES = 1_000_000

/** Some bytes of the browser's quota that are given back when the rest of it is used up. */
export class Space {
  #held = false
  private constructor(readonly name: string) {}

  static async hold(name: string): Promise<Space> {
    const space = new Space(name)
    await space.retake()
    return space
  }

  /** Whether there is room for edits. */
  get isHeld(): boolean { return this.#held }

  /** Gives the reserve to whatever must be written. */
  async give(): Promise<void> {
    this.#held = false
    await this.#resize(0).catch(() => {})
  }

  /** Takes the reserve back; false as long as there is no room for it. */
  async retake(): Promise<boolean> {
    if (this.#held) return true
    try {
      await this.#resize(RESERVE_BYTES)
      this.#held = true
    } catch {
      await this.#resize(0).catch(() => {})
    }
    return this.#held
  }

  async #resize(bytes: number): Promise<void> {
    const file = await (await root()).getFileHandle(reserveOf(this.name), { create: true })
    const handle = await file.createSyncAccessHandle()
    try {
      if (handle.getSize() === bytes) return
      handle.truncate(0)
      // Written rather than made longer: what is only said to be so long takes no room everywhere.
      if (bytes > 0 && handle.write(new Uint8Array(bytes)) !== bytes) throw new Error('no room')
      handle.flush()
    } finally {
      handle.close()
    }
  }
}

/** Whether a failure to write comes of a quota that is used up: browsers and SQLite call that many things. */
export async function isFull(code: string, message: string): Promise<boolean> {
  if (code === 'storage_full' || /disk is full|database or disk|quota/i.test(message)) return true
  if (code !== 'storage') return false
  const { usage = 0, quota = Infinity } = (await navigator.storage.estimate?.().catch(() => null)) ?? {}
  return usage + 65_536 > quota
}
