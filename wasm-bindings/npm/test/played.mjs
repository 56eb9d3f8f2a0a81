// A server that says what a test tells it to: frames out, frames in.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { deflateSync, inflateSync } from 'node:zlib'
import { decode, encode } from '@msgpack/msgpack'
import { WebSocketServer } from 'ws'
import { until } from './kit.mjs'

export const hex = (bytes) => Buffer.from(bytes).toString('hex')
export const bytes = (text) => new Uint8Array(Buffer.from(text.replaceAll('-', ''), 'hex'))

/** The corpus writes bytes as `{ "hex": … }`. */
export function revived(value) {
  if (Array.isArray(value)) return value.map(revived)
  if (value === null || typeof value !== 'object') return value
  if (typeof value.hex === 'string' && Object.keys(value).length === 1) return bytes(value.hex)
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, revived(one)]))
}

/** A frame of a message, packed by zlib when that is asked for. */
export function toFrame(message, body, packed = false) {
  const payload = encode([message, body], { ignoreUndefined: true })
  return packed ? Buffer.concat([Buffer.of(1), deflateSync(payload)]) : Buffer.concat([Buffer.of(0), payload])
}

export function fromFrame(frame) {
  const payload = frame[0] === 1 ? inflateSync(frame.subarray(1)) : frame.subarray(1)
  const [message, body] = decode(payload)
  return { message, body }
}

export const ROSA = '000000a0-0000-0000-0000-000000000001'
const LIMITS = { change_bytes: 262144, changes_per_group: 64, changes_per_push: 512, feed_window: 4, frame_bytes: 1048576, inflated_bytes: 8388608, push_window: 4 }
export const WELCOME = { epoch: bytes('000000e0-0000-0000-0000-000000000001'), limits: LIMITS, live: true, now: Date.now(), protocol: 1, role: 'sales_rep', user: bytes(ROSA) }

/** Hears everything, and says nothing by itself. */
export class PlayedServer {
  heard = []
  #line = null
  #position = 0

  static async begin() {
    const played = new this()
    played.server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(played.server, 'listening')
    played.url = `ws://127.0.0.1:${played.server.address().port}/sync`
    played.server.on('connection', (line) => {
      played.#line = line
      line.binaryType = 'nodebuffer'
      line.on('message', (frame) => {
        const said = fromFrame(frame)
        if (said.message === 'ping') line.send(toFrame('pong', {}))
        else played.heard.push(said)
      })
    })
    return played
  }

  /** Waits for a message, and takes it and those before it off the list. */
  async hears(message) {
    const at = await until(`the client says ${message}`, () => this.heard.findIndex((one) => one.message === message) + 1)
    return this.heard.splice(0, at).at(-1).body
  }
  send(frame) { this.#line.send(frame) }
  hangUp() { this.#line?.terminate() }

  /** Welcomes whoever says hello. */
  async welcomes(welcome = {}) {
    const hello = await this.hears('hello')
    this.send(toFrame('welcome', { ...WELCOME, ...welcome }))
    return hello
  }
  /** A batch of the feed; resolves once the client has stored it. */
  async feeds(body, packed = false) {
    this.#position += 1
    const place = this.#position.toString(16).padStart(16, '0')
    const cursor = bytes(`000000e0000000000000000000000001${place.repeat(3)}`)
    this.send(toFrame('feed', { cursor, head: this.#position, fetches: 0, live: true, remaining: 0, items: [], ...body }, packed))
    await this.hears('feed_ack')
  }
  /** Accepts what is pushed next; its changes. */
  async accepts() {
    const { push, groups } = await this.hears('push')
    const items = groups.flatMap(({ items }) => items)
    const verdicts = items.map(({ change }) => ({ hash: createHash('sha256').update(change.subarray(8)).digest(), accepted: (this.#position += 1), receipt: bytes('0102030405060708') }))
    this.send(toFrame('verdicts', { push, verdicts }))
    return items
  }
  /** As `feeds`, unless the client ends the session. */
  async feedsOrLoses() {
    const line = this.#line
    const closed = once(line, 'close')
    this.send(toFrame('feed', { cursor: bytes('ff'), head: 1, fetches: 0, live: true, remaining: 0, items: [] }))
    const stored = until('the batch is stored', () => this.heard.some(({ message }) => message === 'feed_ack') || line.readyState === line.CLOSED)
    await Promise.race([closed, stored])
    line.terminate()
    this.heard = []
  }
  async end() {
    this.server.clients.forEach((line) => line.terminate())
    await new Promise((resolve) => this.server.close(resolve))
  }
}
