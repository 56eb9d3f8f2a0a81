// A file's bytes as text: byte-order marks, UTF-8, UTF-16 without a mark, and else what Windows writes.

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** Where every second byte is nothing, most of a text in Latin letters is UTF-16. */
function looksWide(bytes: Uint8Array): Encoding | null {
  const some = bytes.subarray(0, 2000)
  const nuls = (from: number) => some.filter((byte, n) => n % 2 === from && byte === 0).length
  const half = some.length / 2
  if (half < 2) return null
  return nuls(1) > half * 0.4 ? 'utf-16le' : nuls(0) > half * 0.4 ? 'utf-16be' : null
}

export function guessEncoding(bytes: Uint8Array): Encoding {
  const [a, b, c] = bytes
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  const wide = looksWide(bytes)
  if (wide) return wide
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return 'utf-8'
  } catch {
    return 'windows-1252'
  }
}

/** The text, without its mark; what is no text becomes U+FFFD, for which its row is left out. */
export const decode = (bytes: Uint8Array, encoding: Encoding): string => new TextDecoder(encoding).decode(bytes)
