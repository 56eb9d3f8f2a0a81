// What a user may want to know, as the engine says it and as an app hears it.

import type { Problem } from './problem.js'

/** Something that a user may want to know. */
export type Notice =
  /** A session stands: the server took the token. */
  | { type: 'connected' }
  /** Accounts came to this device because their user sees them from now on; the reasons. */
  | { type: 'granted'; reasons: string[] }
  /** Records were erased because their user no longer sees them; the reasons. */
  | { type: 'evicted'; reasons: string[] }
  /** The server refused edits; they are in `quarantine()`. */
  | { type: 'refused'; edits: { hash: string; code: string; policy: string | null; sentence: string }[] }
  /** Moments that edits of this device said were changed, since its clock was wrong; in milliseconds since 1970. */
  | { type: 'redated'; moments: { record: string; kind: string; field: string | null; from: number; to: number }[] }
  /** Records still to come in the first sync. */
  | { type: 'remaining'; records: number }
  /** Edits were sent. */
  | { type: 'pushed' }
  /** The session failed and is tried again. */
  | { type: 'retrying'; because: string; inMs: number }
  /** A sign-in is needed before anything can be sent or received; everything here can be read and edited. */
  | { type: 'sign_in'; because: string }
  /** The server is not tried any more until somebody does something. */
  | { type: 'stopped'; because: string }
  /** Nothing can be kept in this browser: records are in memory, and gone with the page. */
  | { type: 'memory'; because: string }
  /** Something keeps the replica from working as it should; `status.problem` says how long. */
  | { type: 'problem'; code: Problem['code']; because: string }
  /** The browser deleted what was kept here. Everything is fetched again, but for edits that were not sent. */
  | { type: 'wiped'; because: string; unsent: number }
  /** The engine failed and was started anew; what it was doing was not done. */
  | { type: 'restarted'; because: string }

/** Why there is no session, as the engine says it. */
export type Fault = string | Record<string, unknown>

/** A fault's sentence. */
export function saidOf(fault: Fault): string {
  if (typeof fault === 'string') return fault.replaceAll('_', ' ')
  const [[word, of] = ['', '']] = Object.entries(fault)
  if (typeof of === 'string') return FAULTS[word] ? `${FAULTS[word]}: ${of}` : of
  const { server, reason, sentence } = of as { server?: string; reason?: string; sentence?: string }
  return sentence ?? `no server answers at ${server}: ${reason}`
}
const FAULTS: Record<string, string> = {
  no_token: 'there is no token',
  token_unavailable: 'the token could not be fetched',
  broken: 'the connection broke',
}

/** Whether another token would help. */
export function needsSignIn(fault: Fault): boolean {
  if (typeof fault === 'string') return false
  const code = (fault.goodbye as { code?: string } | undefined)?.code
  return 'no_token' in fault || code === 'bad_token' || code === 'expired_token'
}

interface Refusal { code: string; policy?: string; sentence: string }
const hex = (bytes: number[]) => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** A notice of the engine for the app; null for what the package itself takes note of. */
export function noticeOf(told: unknown): Notice | null {
  if (told === 'connected' || told === 'pushed') return { type: told }
  const [[word, of] = ['', null as never]] = Object.entries(told as Record<string, never>)
  switch (word) {
    case 'granted':
    case 'evicted':
      return { type: word, reasons: of }
    case 'refused':
      return { type: word, edits: (of as [number[], Refusal][]).map(([hash, { code, policy = null, sentence }]) => ({ hash: hex(hash), code, policy, sentence })) }
    case 'redated':
      return { type: word, moments: of }
    case 'remaining':
      return { type: word, records: of }
    case 'retrying': {
      const { fault, in_ms: inMs } = of as { fault: Fault; in_ms: number }
      return { type: word, because: saidOf(fault), inMs }
    }
    case 'waits_for_token':
      return { type: 'sign_in', because: saidOf(of) }
    default:
      return null
  }
}
