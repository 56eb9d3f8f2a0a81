// The one replica of this page, and who uses it.
import { openReplica, PantryError, type Replica, type Status } from '@kitchen-pantry/sync'
import { computed, ref, shallowRef } from 'vue'
import { config } from './config'
import { watchFaults } from './faults'
import * as tokens from './token'

export type Phase = 'starting' | 'signed_out' | 'opening' | 'ready' | 'failed'

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
export const failure = shallowRef<PantryError | null>(null)
export const status = shallowRef<Status | null>(null)
export const me = shallowRef<Person | null>(null)
export const signInNeeded = ref(false)
export const isManager = computed(() => me.value?.role === 'manager' || me.value?.role === 'admin')

const opened = shallowRef<Replica | null>(null)

/** The open replica. Screens are shown only once there is one. */
export function replica(): Replica {
  if (!opened.value) throw new Error('BUG: a screen is shown before there are records')
  return opened.value
}

/** The user's id; screens are shown only once there is one. */
export const myId = (): string => me.value?.id ?? tokens.user() ?? ''

/** Takes the token of a sign-in link, if the page was opened by one; before anything looks at the address. */
export function takeLink(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (location.pathname !== '/sign-in' || !token) return
  tokens.keep(token)
  history.replaceState(null, '', '/')
}

/** Opens the records of whoever is signed in. */
export async function begin(): Promise<void> {
  const user = tokens.user()
  if (!user) {
    phase.value = 'signed_out'
    return
  }
  phase.value = 'opening'
  try {
    const { syncUrl } = await config()
    const replica = await openReplica({ name: user, url: syncUrl, user, token, app: 'kitchen-pantry-pwa' })
    opened.value = replica
    watchFaults(replica)
    // For whoever helps somebody: the browser's console can ask what the screens ask.
    Object.assign(globalThis, { pantry: replica })
    replica.onStatus((now) => (status.value = now))
    await replica.call('set_zone', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })
    void followMe(replica, user)
    phase.value = 'ready'
  } catch (error) {
    failure.value = error instanceof PantryError ? error : new PantryError('crashed', String(error))
    phase.value = 'failed'
  }
}

async function token(): Promise<string> {
  try {
    const held = await tokens.token()
    signInNeeded.value = false
    return held
  } catch (error) {
    signInNeeded.value = true
    throw error
  }
}

async function followMe(replica: Replica, user: string): Promise<void> {
  me.value = { id: user, full_name: null, role: null, manager_id: null, territory_id: null, time_zone: null }
  const columns = 'id, full_name, role, manager_id, territory_id, time_zone'
  for await (const { columns: names, rows } of replica.watch(`SELECT ${columns} FROM users WHERE id = ?`, [user])) {
    const [row] = rows
    if (row) me.value = Object.fromEntries(names.map((name, n) => [name, row[n]])) as unknown as Person
  }
}

/** Signs in with a token; the page starts anew with that user's records. */
export function signIn(token: string): boolean {
  if (!tokens.keep(token.trim())) return false
  location.assign('/')
  return true
}

/** Forgets who is signed in. The caller has made sure that nothing unsent is on this device only. */
export async function signOut(): Promise<void> {
  await opened.value?.close()
  tokens.forget()
  location.assign('/')
}
