// What a sign-in gives: a token for a while, and perhaps what gets the next one.

export interface Held {
  token: string
  refresh: string | null
}

/** Why nobody is signed in, as the provider or the app says it. */
export class SignInFault extends Error {}

const REFRESH = 'kitchen-pantry:refresh'
const ANEW = 'kitchen-pantry:anew'

// The token itself stays in memory: a page that starts anew gets another one.
let token: string | null = null

export const heldToken = (): string | null => token
/** What gets the next token; kept, so that a page that starts anew need not ask for a password. */
export const heldRefresh = (): string | null => localStorage.getItem(REFRESH)

export function hold(held: Held): void {
  token = held.token
  if (held.refresh) localStorage.setItem(REFRESH, held.refresh)
  else localStorage.removeItem(REFRESH)
  localStorage.removeItem(ANEW)
}

/** Forgets both, and notes that whoever comes next is to be asked who they are. */
export function letGo(): void {
  token = null
  localStorage.removeItem(REFRESH)
  localStorage.setItem(ANEW, 'yes')
}

export const isAnew = (): boolean => localStorage.getItem(ANEW) !== null
