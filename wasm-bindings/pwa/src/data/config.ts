// What the server says about itself, kept for starts without a network.

export interface OidcSettings { authority: string; clientId: string; scope?: string | null; audience?: string | null }
export interface SupabaseSettings { url: string; anonKey: string }
/** How people sign in: by a link with a token while developing, else at an identity provider. */
export type SignIn = { mode: 'token' } | ({ mode: 'oidc' } & OidcSettings) | ({ mode: 'supabase' } & SupabaseSettings)

export interface Config {
  syncUrl: string
  signIn: SignIn
}

const KEY = 'kitchen-pantry:config'
const PATIENCE_MS = 3000

function byDefault(): Config {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  return { syncUrl: `${scheme}://${location.host}/sync`, signIn: { mode: 'token' } }
}

function kept(): Config | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? 'null') as Config | null
  } catch {
    return null
  }
}

/** What was heard last time at once, else what the server says, else what usually holds. */
export async function config(): Promise<Config> {
  const before = kept()
  const heard = fetch('/config.json', { signal: AbortSignal.timeout(PATIENCE_MS) })
    .then(async (answer) => {
      if (!answer.ok || !answer.headers.get('content-type')?.includes('json')) return null
      const said = { ...byDefault(), ...((await answer.json()) as Partial<Config>) }
      localStorage.setItem(KEY, JSON.stringify(said))
      return said
    })
    .catch(() => null)
  return before ?? (await heard) ?? byDefault()
}
