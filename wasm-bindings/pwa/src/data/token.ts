// Who is signed in, as far as this device knows. The server checks a token; here it only tells the name
// of the database and when to ask for another one.
import { PantryError } from '@kitchen-pantry/sync'

const TOKEN = 'kitchen-pantry:token'
const USER = 'kitchen-pantry:user'
/** Of whom the server took a token on this device since they signed in. */
const PROVEN = 'kitchen-pantry:proven'
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const MARGIN_S = 30

interface Claims {
  sub?: string
  exp?: number
}

function claims(token: string): Claims {
  try {
    const [, middle = ''] = token.split('.')
    return JSON.parse(atob(middle.replaceAll('-', '+').replaceAll('_', '/'))) as Claims
  } catch {
    return {}
  }
}

/** Whom a token names. */
export function userOf(token: string): string | null {
  const { sub } = claims(token) ?? {}
  return typeof sub === 'string' && UUID.test(sub) ? sub : null
}
/** Whether a token holds for a while yet. */
export function holds(token: string): boolean {
  const { exp } = claims(token) ?? {}
  return exp === undefined || exp >= Date.now() / 1000 + MARGIN_S
}

/** Notes whose token this is; whether it names a user. */
export function keepUser(token: string): boolean {
  const user = userOf(token)
  if (!user) return false
  localStorage.removeItem(TOKEN)
  localStorage.setItem(USER, user)
  return true
}

/** Takes the token of a link, which the server took. */
export function keep(token: string): void {
  const user = userOf(token)
  if (user) prove(user)
  if (keepUser(token)) localStorage.setItem(TOKEN, token)
}

/** Whether somebody signed in by a link. */
export const isKept = (): boolean => localStorage.getItem(TOKEN) !== null
/** Whether somebody signed in by this very link. */
export const isStored = (token: string): boolean => localStorage.getItem(TOKEN) === token

/** Whose records are on this device: known also when the token has run out. */
export function user(): string | null {
  const kept = localStorage.getItem(USER)
  return kept && UUID.test(kept) ? kept : null
}

/** Whether the server ever took a token of theirs since they signed in here. */
export const isProven = (): boolean => user() !== null && localStorage.getItem(PROVEN) === user()
/** The server took a token of this user's. */
export const prove = (user: string): void => localStorage.setItem(PROVEN, user)

/** The token of the link, while it holds. */
export async function token(): Promise<string> {
  const stored = localStorage.getItem(TOKEN)
  if (!stored) throw new PantryError('no_token', 'nobody is signed in')
  if (!holds(stored)) throw new PantryError('no_token', 'the sign-in has run out')
  return stored
}

/** Is told when somebody else signs in, or this one out, in another window. */
export function onOther(listener: () => void): void {
  const mine = user()
  window.addEventListener('storage', ({ key }) => { if ((key === USER || key === null) && user() !== mine) listener() })
}

/** Forgets who was signed in; the records are another matter. */
export function forget(): void {
  localStorage.removeItem(TOKEN)
  localStorage.removeItem(USER)
  localStorage.removeItem(PROVEN)
}
