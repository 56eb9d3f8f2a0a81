// An identity provider on this machine: OpenID Connect with pages of one button each, and keys of its own.
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import Provider, { interactionPolicy } from 'oidc-provider'

const AUDIENCE = 'https://pantry.example'
const SCOPES = 'openid profile email offline_access'

export class IdentityProvider {
  /** Whom its pages know: whoever presses their button is them. */
  people = []
  /** Grants that were made, by their types. */
  granted = []
  /** Nobody is known any more: what they hold is taken no longer. */
  knowsNobody = false

  /** Begins to listen, and to publish its keys; `serve` is called once it is known whom it serves. */
  static async begin() {
    const own = new IdentityProvider()
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const named = (key) => ({ ...key.export({ format: 'jwk' }), kid: 'test', alg: 'RS256', use: 'sig' })
    own.key = named(privateKey)
    own.answer = (request, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [named(publicKey)] }))
    own.listener = createServer((request, response) => own.answer(request, response)).listen(0, '127.0.0.1')
    await once(own.listener, 'listening')
    own.issuer = `http://127.0.0.1:${own.listener.address().port}`
    return own
  }
  /** What the server and the app are told. */
  get env() {
    return {
      SIGN_IN: 'oidc', OIDC_ISSUER: this.issuer, OIDC_CLIENT_ID: 'pantry', OIDC_AUDIENCE: AUDIENCE,
      JWKS_URL: `${this.issuer}/jwks`, JWT_ISSUER: this.issuer, JWT_AUDIENCE: AUDIENCE,
    }
  }
  serve(site, tokenSeconds) {
    // Who is there is asked, and not whether the app may.
    const policy = interactionPolicy.base()
    policy.remove('consent')
    const provider = new Provider(this.issuer, {
      clients: [{ client_id: 'pantry', application_type: 'native', token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], redirect_uris: [`${site}/sign-in`] }],
      jwks: { keys: [this.key] },
      cookies: { keys: ['only for tests'] },
      clientBasedCORS: () => true,
      issueRefreshToken: () => true,
      findAccount: (_, id) => (this.knowsNobody ? undefined : { accountId: id, claims: () => ({ sub: id }) }),
      interactions: { policy, url: (_, { uid }) => `/asks/${uid}` },
      features: {
        devInteractions: { enabled: false },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true, defaultResource: () => AUDIENCE, useGrantedResource: () => true,
          getResourceServerInfo: () => ({ scope: 'sync', audience: AUDIENCE, accessTokenTTL: tokenSeconds, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
        },
      },
      loadExistingGrant: async ({ oidc }) => {
        const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
        grant.addOIDCScope(SCOPES)
        grant.addResourceScope(AUDIENCE, 'sync')
        await grant.save()
        return grant
      },
    })
    provider.on('grant.success', ({ oidc }) => this.granted.push(oidc.params.grant_type))
    const rest = provider.callback()
    this.answer = (request, response) => {
      const { pathname, searchParams } = new URL(request.url, this.issuer)
      if (!pathname.startsWith('/asks/')) return rest(request, response)
      const who = searchParams.get('as')
      if (!who) return response.setHeader('content-type', 'text/html').end(this.page(pathname))
      const result = who === 'nobody' ? { error: 'access_denied', error_description: 'Ask your office for access.' } : { login: { accountId: who } }
      provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
    }
  }
  page(path) {
    const buttons = [...this.people, { id: 'nobody', name: 'Cancel' }].map(({ id, name }) => `<p><a href="${path}?as=${id}">${name}</a></p>`)
    return `<!doctype html><meta charset="utf-8"><title>Who are you?</title>${buttons.join('')}`
  }
  end() {
    this.listener.closeAllConnections()
    this.listener.close()
  }
}
