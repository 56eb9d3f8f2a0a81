// Sign-in links, `/sign-in#token=…`. Anybody can make somebody click on one, so that a link changes nothing before
// the server took its token, and none for somebody else before the user was asked.
import { shallowRef } from 'vue'
import { config } from '../config'
import * as notes from '../notes'
import * as tokens from '../token'
import { asked } from './asked'

/** Why a link is not taken. */
export type LinkFault = 'notAToken' | 'otherWay' | 'refused' | 'unchecked'
/** A link for somebody else than who is signed in, which the server took. */
export interface Offer {
  token: string
  user: string
  /** What this device knows them by. */
  name: string | null
}

export const offer = shallowRef<Offer | null>(null)
let linked: string | null = null

const inAddress = () => (location.pathname === '/sign-in' ? new URLSearchParams(location.hash.slice(1)).get('token') : null)

/** Takes the token out of the address; before anything else looks at it. */
export function takeLink(): void {
  linked = inAddress()
  if (linked) history.replaceState(null, '', '/')
  // On this very page a link changes the address and loads nothing.
  addEventListener('hashchange', () => { if (inAddress()) location.reload() })
}

/** Does what is to be done with the link that the page was opened by, if it was. */
export async function useLink(): Promise<LinkFault | null> {
  const token = linked
  linked = null
  return token === null || tokens.isStored(token) ? null : use(token)
}

/** Signs in by the token of a link; somebody else than who is signed in is only offered. */
export async function use(token: string): Promise<LinkFault | null> {
  if ((await config()).signIn.mode !== 'token') return 'otherWay'
  const user = tokens.userOf(token)
  if (!user) return 'notAToken'
  const answer = await asked(token)
  if (answer.is === 'unreachable') return 'unchecked'
  if (answer.is === 'refused') return 'refused'
  const mine = tokens.user()
  if (mine && mine !== user) offer.value = { token, user, name: notes.read<string>('name', user) }
  else tokens.keep(token)
  return null
}
