// The one replica of this page, and who uses it.
import { openReplica, PantryError, type Replica, type Status } from '@kitchen-pantry/sync'
import { computed, ref, shallowRef } from 'vue'
import { config } from './config'
import { watchFaults } from './faults'
import * as notes from './notes'
import * as signin from './signin'
import { asked } from './signin/asked'
import { offer, use, useLink, type LinkFault } from './signin/link'
import { letStay, othersHere, rememberName, unspoken, type Other } from './others'
import * as tokens from './token'
import { sendWhenWoken } from './wake'

export type Phase = 'starting' | 'signed_out' | 'offered' | 'others' | 'opening' | 'ready' | 'failed'

/** A user as colleagues see them. */
export interface Person {
  id: string
  full_name: string | null
  role: string | null
  manager_id: string | null
  territory_id: string | null
  time_zone: string | null
}

export const phase = ref<Phase>('starting')
export const failure = shallowRef<Pick<Error, 'message'> & { code: string } | null>(null)
export const status = shallowRef<Status | null>(null)
export const me = shallowRef<Person | null>(null)
export const signInNeeded = ref(false)
/** Why the sign-in that the user comes from did not work. */
export const signInFault = ref<string | null>(null)
/** Why the link that the user comes by was not taken. */
export const linkFault = ref<LinkFault | null>(null)
/** Whose records this device keeps besides the user's. */
export const others = shallowRef<Other[]>([])
export const isManager = computed(() => me.value?.role === 'manager' || me.value?.role === 'admin')

const opened = shallowRef<Replica | null>(null)

/** The open replica. Screens are shown only once there is one. */
export function replica(): Replica {
  if (!opened.value) throw new Error('BUG: a screen is shown before there are records')
  return opened.value
}

/** The user's id; screens are shown only once there is one. */
export const myId = (): string => me.value?.id ?? tokens.user() ?? ''

/** Takes the answer of a sign-in page, if the user comes from one. */
export async function takeAnswer(): Promise<void> {
  try {
    await signin.takeAnswer()
  } catch (error) {
    signInFault.value = error instanceof Error ? error.message : String(error)
  }
}

/** Opens the records of whoever is signed in. */
export async function begin(): Promise<void> {
  linkFault.value = await useLink()
  if (offer.value) return void (phase.value = 'offered')
  const user = tokens.user()
  if (!user) return void (phase.value = 'signed_out')
  if (!(await isProven(user))) return
  tokens.onOther(() => location.reload())
  await lookForOthers()
  if (unspoken(others.value).length > 0) phase.value = 'others'
  else await open(user)
}

/** Whether the server took a token of this user's since they signed in: what lies on this device opens to nobody else. */
async function isProven(user: string): Promise<boolean> {
  if (tokens.isProven()) return true
  const answer = await token(user).then(asked, (error: unknown) => (needsSignIn(error) ? { is: 'refused', because: error.message } as const : { is: 'unreachable' } as const))
  if (answer.is === 'taken') tokens.prove(user)
  if (answer.is === 'unreachable') fail({ code: 'unchecked', message: 'the server did not answer' })
  if (answer.is === 'refused') {
    await signin.leave()
    signInFault.value = answer.because
    phase.value = 'signed_out'
  }
  return answer.is === 'taken'
}

const needsSignIn = (error: unknown): error is PantryError => error instanceof PantryError && error.code === 'no_token'

function fail(error: NonNullable<typeof failure.value>): void {
  failure.value = error
  phase.value = 'failed'
}

/** Looks again who else's records are here, and what of them was never sent. */
export async function lookForOthers(): Promise<void> {
  others.value = await othersHere(tokens.user() ?? '')
}

/** Goes on after it was said that others' records are here: those that are left may stay. */
export async function goOn(): Promise<void> {
  const user = tokens.user()
  if (!user) return location.reload()
  await lookForOthers()
  letStay(others.value)
  await open(user)
}

async function open(user: string): Promise<void> {
  phase.value = 'opening'
  try {
    const { syncUrl } = await config()
    const replica = await openReplica({ name: user, url: syncUrl, user, token: () => token(user), app: 'kitchen-pantry-pwa' })
    opened.value = replica
    watchFaults(replica)
    sendWhenWoken(replica)
    // For whoever helps somebody: the browser's console can ask what the screens ask.
    Object.assign(globalThis, { pantry: replica })
    replica.onStatus((now) => (status.value = now))
    await replica.call('set_zone', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })
    // It ends with the records.
    followMe(replica, user).catch(() => {})
    phase.value = 'ready'
  } catch (error) {
    fail(error instanceof PantryError ? error : new PantryError('crashed', String(error)))
  }
}

/** A token of the signed-in user's that holds. */
export const bearer = (): Promise<string> => token(tokens.user() ?? '')

async function token(user: string): Promise<string> {
  try {
    if (tokens.user() !== user) throw new PantryError('no_token', 'somebody else signed in in another window')
    const held = await signin.token()
    signInNeeded.value = false
    return held
  } catch (error) {
    // Without a way to the provider nobody is asked for a password: the sign-in may well hold.
    signInNeeded.value = needsSignIn(error)
    throw error
  }
}

async function followMe(replica: Replica, user: string): Promise<void> {
  me.value = { id: user, full_name: null, role: null, manager_id: null, territory_id: null, time_zone: null }
  const columns = 'id, full_name, role, manager_id, territory_id, time_zone'
  for await (const { columns: names, rows } of replica.watch(`SELECT ${columns} FROM users WHERE id = ?`, [user])) {
    const [row] = rows
    if (!row) continue
    me.value = Object.fromEntries(names.map((name, n) => [name, row[n]])) as unknown as Person
    if (me.value.full_name) rememberName(me.value.full_name)
  }
}

/** Signs in by the token of a link; the page starts anew with that user's records. */
export async function signIn(token: string): Promise<LinkFault | null> {
  const fault = await use(token.trim())
  if (fault) return fault
  if (offer.value) phase.value = 'offered'
  else location.assign('/')
  return null
}

/** Takes the link for somebody else, or stays who is signed in. */
export async function answerOffer(answer: 'take' | 'stay'): Promise<void> {
  const { value: of } = offer
  if (answer === 'take' && of) {
    await opened.value?.close()
    tokens.keep(of.token)
  }
  location.assign('/')
}

/**
 * Signs out, and takes the records off this device unless they are to stay for the next time. Fails with `unsent`,
 * and nothing is done, while there are entries that would be lost, unless that was said to be right.
 */
export async function signOut(records: 'erased' | 'kept', { evenUnsent = false } = {}): Promise<void> {
  const user = tokens.user()
  if (records === 'kept') await opened.value?.close()
  else {
    await opened.value?.erase({ evenUnsent })
    if (user) notes.forgetAll(user)
  }
  // No screen is there for records that are gone.
  phase.value = 'starting'
  await signin.leave()
  location.assign('/')
}
