// Messages: a MessagePack array of a name and a body, in a frame. See "Session" in docs/PROTOCOL.md.
import { createHash, randomBytes } from 'node:crypto'
import { decode, encode } from '@msgpack/msgpack'
import { pack, unpack } from './frames.mjs'

export const toFrame = (name, body) => pack(encode([name, body], { ignoreUndefined: true }))

export function fromFrame(bytes) {
  const [name, body] = decode(unpack(bytes))
  return { name, body }
}

export const hex = (bytes) => Buffer.from(bytes).toString('hex')
export const bytes = (text) => new Uint8Array(Buffer.from(text, 'hex'))
export const sha256 = (...parts) => {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}
export const randomActor = () => randomBytes(16).toString('hex')

/** An id as text from its 16 bytes. */
export function idText(sixteen) {
  const text = hex(sixteen)
  const cut = [0, 8, 12, 16, 20, 32]
  return cut.slice(1).map((end, n) => text.slice(cut[n], end)).join('-')
}
export const idBytes = (text) => bytes(text.replaceAll('-', ''))

/** A UUID of version 7: of a moment and ten bytes that are random, or derived. */
export function mintId(ms, ten = randomBytes(10)) {
  const id = Buffer.alloc(16)
  id.writeUIntBE(ms, 0, 6)
  id.set(ten, 6)
  id[6] = 0x70 | (id[6] & 0x0f)
  id[8] = 0x80 | (id[8] & 0x3f)
  return idText(id)
}
