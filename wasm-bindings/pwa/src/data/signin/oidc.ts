// Signing in at an identity provider: authorization code with PKCE. Loaded only where it is configured.
import * as oauth from 'oauth4webapi'
import type { OidcSettings } from '../config'
import { SignInFault, type Held } from './held'

/** What was asked of the provider, until it answers: in this tab alone, and gone with it. */
const ASKED = 'kitchen-pantry:asked'
interface Asked { state: string; nonce: string; verifier: string }

/** Where the provider sends the user back to; it must know the address. */
const redirect = () => `${location.origin}/sign-in`
const isHere = (url: string) => ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname)
/** Without encryption only on this very machine, as in development. */
const options = ({ authority }: OidcSettings) => ({ [oauth.allowInsecureRequests]: isHere(authority) })
const client = ({ clientId }: OidcSettings): oauth.Client => ({ client_id: clientId, token_endpoint_auth_method: 'none' })

let found: Promise<oauth.AuthorizationServer> | null = null
function server(of: OidcSettings): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(of.authority)
  found ??= oauth.discoveryRequest(issuer, options(of)).then((answer) => oauth.processDiscoveryResponse(issuer, answer))
  found.catch(() => (found = null))
  return found
}

/** Leaves the page for the provider's. `anew` asks for a name and password also where the provider knows somebody. */
export async function leave(of: OidcSettings, anew: boolean): Promise<void> {
  const { authorization_endpoint: to } = await server(of)
  if (!to) throw new SignInFault('the provider names no page to sign in at')
  const asked: Asked = { state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(), verifier: oauth.generateRandomCodeVerifier() }
  const url = new URL(to)
  const scope = of.scope ?? 'openid profile email offline_access'
  for (const [name, value] of Object.entries({
    client_id: of.clientId, redirect_uri: redirect(), response_type: 'code', scope, state: asked.state, nonce: asked.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(asked.verifier), code_challenge_method: 'S256',
    ...(of.audience && { audience: of.audience }), ...(anew && { prompt: 'login' }),
  })) url.searchParams.set(name, value)
  sessionStorage.setItem(ASKED, JSON.stringify(asked))
  location.assign(url)
}

/** Takes what the provider sent the user back with. */
export async function take(of: OidcSettings, answer: URLSearchParams): Promise<Held> {
  const asked = JSON.parse(sessionStorage.getItem(ASKED) ?? 'null') as Asked | null
  sessionStorage.removeItem(ASKED)
  if (!asked) throw new SignInFault('this answer was asked for in another window')
  const as = await server(of)
  const params = answered(() => oauth.validateAuthResponse(as, client(of), answer, asked.state))
  const response = await oauth.authorizationCodeGrantRequest(as, client(of), oauth.None(), params, redirect(), asked.verifier, options(of))
  return held(await oauth.processAuthorizationCodeResponse(as, client(of), response, { expectedNonce: asked.nonce, requireIdToken: true }))
}

/** A provider that says no says it in words of its own. */
function answered<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError) throw new SignInFault(error.error_description ?? error.error)
    throw error
  }
}

/** A new token for one that has run out. */
export async function refresh(of: OidcSettings, by: string): Promise<Held> {
  const as = await server(of)
  const response = await oauth.refreshTokenGrantRequest(as, client(of), oauth.None(), by, options(of))
  const fresh = held(await oauth.processRefreshTokenResponse(as, client(of), response))
  // A provider that gives no other one goes on with the same.
  return { ...fresh, refresh: fresh.refresh ?? by }
}

/** Tells the provider that a token is not needed any more. */
export async function withdraw(of: OidcSettings, by: string): Promise<void> {
  const as = await server(of)
  if (as.revocation_endpoint) await oauth.processRevocationResponse(await oauth.revocationRequest(as, client(of), oauth.None(), by, options(of)))
}

const isJwt = (token: string) => token.split('.').length === 3
/** Access tokens of some providers are for their own eyes; then the user's identity is what the server can check. */
function held({ access_token: access, id_token: identity, refresh_token: by }: oauth.TokenEndpointResponse): Held {
  const token = isJwt(access) ? access : identity
  if (!token) throw new SignInFault('the provider gave no token that can be checked')
  return { token, refresh: by ?? null }
}

/** Whether the provider itself said no, rather than the way to it. */
export const isDenied = (error: unknown): boolean => error instanceof oauth.ResponseBodyError
