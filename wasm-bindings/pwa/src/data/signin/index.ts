// Signing in as it is configured. Each way is loaded when it is used.
import { PantryError } from '@kitchen-pantry/sync'
import { config } from '../config'
import * as tokens from '../token'
import { heldRefresh, heldToken, hold, isAnew, letGo, SignInFault, type Held } from './held'

export { SignInFault }
const PATIENCE_MS = 3000
const RENEWAL = 'kitchen-pantry:renewal'

/** Goes to the provider's page. The user comes back to `/sign-in`, with an answer for `takeAnswer`. */
export async function goToProvider(): Promise<void> {
  const { signIn } = await config()
  if (signIn.mode === 'oidc') await (await import('./oidc')).leave(signIn, isAnew())
}

/** Signs in with an address and a password. */
export async function enter(email: string, password: string): Promise<void> {
  const { signIn } = await config()
  if (signIn.mode === 'supabase') keep(await (await import('./supabase')).enter(signIn, email, password))
}

/** Takes what a provider's page sent the user back with, if it did; before anything looks at the address. */
export async function takeAnswer(): Promise<void> {
  const answer = new URLSearchParams(location.search)
  if (location.pathname !== '/sign-in' || !(answer.has('code') || answer.has('error'))) return
  // Whatever becomes of it: a code in the address is of no use twice.
  history.replaceState(null, '', '/')
  const { signIn } = await config()
  if (signIn.mode === 'oidc') keep(await (await import('./oidc')).take(signIn, answer))
}

function keep(held: Held): void {
  if (!tokens.keepUser(held.token)) throw new SignInFault('the token names no user')
  hold(held)
}

/** A token that still holds: the one at hand, else a new one. */
export async function token(): Promise<string> {
  const { signIn } = await config()
  if (signIn.mode === 'token' || tokens.isKept()) return tokens.token()
  const fresh = heldToken()
  if (fresh && tokens.holds(fresh)) return fresh
  // One window after the other: many providers take what gets a token only once.
  return navigator.locks.request(RENEWAL, () => renew(signIn))
}

async function renew(signIn: Exclude<Awaited<ReturnType<typeof config>>['signIn'], { mode: 'token' }>): Promise<string> {
  const by = heldRefresh()
  if (!by) throw new PantryError('no_token', 'the sign-in has run out')
  const { isDenied, refreshed } = signIn.mode === 'oidc'
    ? await import('./oidc').then((way) => ({ isDenied: way.isDenied, refreshed: () => way.refresh(signIn, by) }))
    : await import('./supabase').then((way) => ({ isDenied: way.isDenied, refreshed: () => way.refresh(signIn, by) }))
  try {
    const held = await refreshed()
    if (tokens.userOf(held.token) !== tokens.user()) throw new PantryError('no_token', 'somebody else is signed in')
    hold(held)
    return held.token
  } catch (error) {
    // Without a way to the provider the sign-in may hold all the same.
    if (isDenied(error)) throw new PantryError('no_token', 'the sign-in has run out')
    throw error
  }
}

/** Forgets who was signed in, here and, where there is a way to it, at the provider. */
export async function leave(): Promise<void> {
  const { signIn } = await config()
  const [by, held] = [heldRefresh(), heldToken()]
  tokens.forget()
  letGo()
  const told = async () => {
    if (signIn.mode === 'oidc' && by) await (await import('./oidc')).withdraw(signIn, by)
    if (signIn.mode === 'supabase' && held) await (await import('./supabase')).withdraw(signIn, held)
  }
  // Where there is no way to it, it runs out there by itself.
  await Promise.race([told().catch(() => {}), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))])
}
