// Frames: one byte that says how the rest is packed, then the payload. See "Frames" in docs/PROTOCOL.md.
import * as zlib from 'node:zlib'

const PLAIN = 0
const ZLIB = 1
const ZSTD = 2
/** What a frame of the server may inflate to. */
const MOST = 8 << 20
/** Shorter payloads are not worth packing. */
const PACK_FROM = 512

/** What this Node reads besides what everybody reads, as hello names it. */
export const READS = typeof zlib.zstdDecompressSync === 'function' ? ['zstd'] : []

export function pack(payload) {
  if (payload.length < PACK_FROM) return Buffer.concat([Buffer.of(PLAIN), payload])
  return Buffer.concat([Buffer.of(ZLIB), zlib.deflateSync(payload)])
}

export function unpack(frame) {
  const [packing, payload] = [frame[0], frame.subarray(1)]
  if (packing === PLAIN) return payload
  if (packing === ZLIB) {
    const { buffer, engine } = zlib.inflateSync(payload, { info: true, maxOutputLength: MOST })
    if (engine.bytesWritten !== payload.length) throw new Error('bytes follow the zlib stream of a frame')
    return buffer
  }
  if (packing === ZSTD && READS.includes('zstd')) {
    return zlib.zstdDecompressSync(payload, { maxOutputLength: MOST })
  }
  throw new Error(`a frame is packed in an unknown way (${packing})`)
}
