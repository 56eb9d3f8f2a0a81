// Whether the server takes a token. Until it did, a token is a text that anybody can write.
import { config } from '../config'

const PATIENCE_MS = 15_000
/** It took it; it did not, and says why; or nothing was heard of it. */
export type Answer = { is: 'taken' } | { is: 'refused'; because: string } | { is: 'unreachable' }

/** Asks for what every user may read, which is little. */
export async function asked(token: string): Promise<Answer> {
  const { origin, pathname } = new URL((await config()).syncUrl.replace(/^ws/, 'http'))
  const said = await fetch(`${origin}${pathname.replace(/\/sync\/?$/, '')}/api/refused`, {
    headers: { authorization: `Bearer ${token}` }, credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch(() => null)
  // A page of another service, as of a network that wants a sign-in of its own, is no answer.
  if (!said?.headers.get('content-type')?.includes('json')) return { is: 'unreachable' }
  if (said.ok) return { is: 'taken' }
  if (said.status !== 401 && said.status !== 403) return { is: 'unreachable' }
  const { sentence } = (await said.json().catch(() => ({}))) as { sentence?: string }
  return { is: 'refused', because: sentence ?? '' }
}
