// When the network and the page come and go.

/** A page that was not looked at for so long begins with a fresh socket. */
const AWAY_MS = 30_000
const EVENTS = [[globalThis, 'online'], [globalThis, 'offline'], [globalThis, 'pageshow'], [globalThis.document, 'visibilitychange']] as const

export class Wakes {
  #hiddenAt = 0

  constructor(readonly post: (wake: 'online' | 'offline' | 'shown') => void) {}

  /** Hears, or hears no more. */
  listen(on: boolean): void {
    for (const [target, name] of EVENTS) {
      on ? target?.addEventListener?.(name, this.#hear) : target?.removeEventListener?.(name, this.#hear)
    }
  }

  #hear = ({ type, persisted }: Event & { persisted?: boolean }) => {
    if (type === 'online' || type === 'offline') return this.post(type)
    if (type === 'visibilitychange' && document.visibilityState === 'hidden') {
      this.#hiddenAt = Date.now()
      return
    }
    // A socket that was left alone for a while may be dead and say nothing.
    const away = type === 'pageshow' ? persisted : Date.now() - this.#hiddenAt > AWAY_MS
    this.post(away ? 'shown' : 'online')
  }
}
