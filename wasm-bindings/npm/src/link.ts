// Carries out what the engine's link asks for: sockets, timers and tokens. It decides nothing.
import type { Host } from './engine/engine.js'
import type { Fault } from './notices.js'

type Effect =
  | 'fetch_token'
  | { connect: number }
  | { close: number }
  | { wake_at: number }
  | { rows_changed: string[] }
  | { status: LinkStatus }
  | { notice: unknown }
  | { ended: { wanted: 'once' | 'always'; outcome: Outcome } }

/** How the link stands; `retry_at` is on the clock of `performance.now()`. */
export interface LinkStatus { state: string; retry_at: number | null; fault: Fault | null }
/** How something that was wanted came to its end. */
export type Outcome = 'caught_up' | 'stopped' | { failed: Fault }

/** What the link's host is told. */
export interface LinkEvents {
  fetchToken(): void
  status(status: LinkStatus): void
  notice(notice: unknown): void
  ended(wanted: 'once' | 'always', outcome: Outcome): void
  changed(): void
}

export class LinkDriver {
  #socket: { dial: number; socket: WebSocket } | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(readonly host: Host, readonly url: string, readonly events: LinkEvents) {}

  /** Tells the link what happened, and does what it asks for. */
  happened(event: unknown): void {
    this.carryOut(this.host.happened(JSON.stringify(event), performance.now()))
  }

  carryOut(effects: unknown[]): void {
    for (const effect of effects) {
      if (Array.isArray(effect)) {
        const [dial, bytes] = effect as [number, Uint8Array<ArrayBuffer>]
        // When it is gone, an event says so.
        if (this.#socket?.dial === dial && this.#socket.socket.readyState === WebSocket.OPEN) this.#socket.socket.send(bytes)
      } else if (typeof effect === 'string') {
        this.#one(JSON.parse(effect) as Effect)
      }
    }
    this.events.changed()
  }

  /** Drops the line, without a word to a socket that may be dead: the device slept, or its network went. */
  dropLine(reason: string): void {
    const dial = this.#socket?.dial
    if (dial === undefined) return
    this.#hangUp()
    this.happened({ closed: { dial, reason } })
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#hangUp()
  }

  #one(effect: Effect): void {
    if (effect === 'fetch_token') this.events.fetchToken()
    else if ('connect' in effect) this.#connect(effect.connect)
    else if ('close' in effect) this.#hangUp()
    else if ('wake_at' in effect) {
      clearTimeout(this.#timer)
      const wait = Math.max(0, effect.wake_at - performance.now())
      this.#timer = setTimeout(() => this.happened('tick'), wait)
    } else if ('status' in effect) this.events.status(effect.status)
    else if ('notice' in effect) this.events.notice(effect.notice)
    else if ('ended' in effect) this.events.ended(effect.ended.wanted, effect.ended.outcome)
  }

  #connect(dial: number): void {
    this.#hangUp()
    let socket: WebSocket
    try {
      socket = new WebSocket(this.url)
    } catch (error) {
      queueMicrotask(() => this.happened({ closed: { dial, reason: String(error) } }))
      return
    }
    socket.binaryType = 'arraybuffer'
    this.#socket = { dial, socket }
    const isOurs = () => this.#socket?.socket === socket
    socket.onopen = () => { if (isOurs()) this.happened({ connected: dial }) }
    socket.onmessage = ({ data }) => {
      if (!isOurs() || !(data instanceof ArrayBuffer)) return
      this.carryOut(this.host.received(dial, new Uint8Array(data), performance.now()))
    }
    socket.onclose = ({ code, reason }) => {
      if (!isOurs()) return
      this.#socket = null
      this.happened({ closed: { dial, reason: reason || `the browser says ${code}` } })
    }
  }

  /** Lets go without waiting for the other side: what an old socket still says is not heard. */
  #hangUp(): void {
    const socket = this.#socket?.socket
    this.#socket = null
    socket?.close()
  }
}
