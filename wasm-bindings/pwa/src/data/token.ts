// Who is signed in, as far as this device knows. The server checks a token; here it only tells the name
// of the database and when to ask for another one.
import { PantryError } from '@kitchen-pantry/sync'

const TOKEN = 'kitchen-pantry:token'
const USER = 'kitchen-pantry:user'
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
export const userOf = (token: string): string | null => claims(token).sub ?? null
/** Whether a token holds for a while yet. */
export function holds(token: string): boolean {
  const { exp } = claims(token)
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

/** Takes the token of a link; whether it names a user. */
export function keep(token: string): boolean {
  if (!keepUser(token)) return false
  localStorage.setItem(TOKEN, token)
  return true
}

/** Whether somebody signed in by a link. */
export const isKept = (): boolean => localStorage.getItem(TOKEN) !== null

/** Whose records are on this device: known also when the token has run out. */
export const user = (): string | null => localStorage.getItem(USER)

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
}
