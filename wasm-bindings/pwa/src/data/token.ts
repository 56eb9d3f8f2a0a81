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

/** Takes a token that somebody signed in with; whether it names a user. */
export function keep(token: string): boolean {
  const { sub } = claims(token)
  if (!sub) return false
  localStorage.setItem(TOKEN, token)
  localStorage.setItem(USER, sub)
  return true
}

/** Whose records are on this device: known also when the token has run out. */
export const user = (): string | null => localStorage.getItem(USER)

/** A token that still holds. */
export async function token(): Promise<string> {
  const stored = localStorage.getItem(TOKEN)
  if (!stored) throw new PantryError('no_token', 'nobody is signed in')
  const { exp } = claims(stored)
  if (exp !== undefined && exp < Date.now() / 1000 + MARGIN_S) throw new PantryError('no_token', 'the sign-in has run out')
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
