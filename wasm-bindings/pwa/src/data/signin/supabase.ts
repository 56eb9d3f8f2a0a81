// Signing in at Supabase by its auth service, with an e-mail address and a password. Loaded only where it is configured.
import type { SupabaseSettings } from '../config'
import { SignInFault, type Held } from './held'

interface Answer {
  access_token?: string
  refresh_token?: string
  msg?: string
  error_description?: string
}

/** The service said no, and why. */
class Denied extends SignInFault {}

async function ask({ url, anonKey }: SupabaseSettings, path: string, body: object, token?: string): Promise<Answer> {
  const answer = await fetch(`${url.replace(/\/$/, '')}/auth/v1/${path}`, {
    method: 'POST',
    headers: { apikey: anonKey, 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  })
  const said = (await answer.json().catch(() => ({}))) as Answer
  if (answer.ok) return said
  const why = said.error_description ?? said.msg ?? `the sign-in service answered ${answer.status}`
  // Too many at once, or a service that is down, is no refusal.
  throw answer.status === 429 || answer.status >= 500 ? new SignInFault(why) : new Denied(why)
}

function held({ access_token: token, refresh_token: refresh }: Answer): Held {
  if (!token) throw new SignInFault('the sign-in service gave no token')
  return { token, refresh: refresh ?? null }
}

export const enter = async (of: SupabaseSettings, email: string, password: string): Promise<Held> => held(await ask(of, 'token?grant_type=password', { email, password }))
export const refresh = async (of: SupabaseSettings, by: string): Promise<Held> => held(await ask(of, 'token?grant_type=refresh_token', { refresh_token: by }))
/** Ends this device's session there; the user's others go on. */
export const withdraw = async (of: SupabaseSettings, token: string): Promise<void> => void (await ask(of, 'logout?scope=local', {}, token))
export const isDenied = (error: unknown): boolean => error instanceof Denied
