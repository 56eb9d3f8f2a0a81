// Whoever else's records this device keeps: phones and tablets are passed on, and shared.
import { keptReplicas, openReplica, type Rescue } from '@kitchen-pantry/sync'
import * as notes from './notes'

/** Somebody whose records are on this device. */
export interface Other {
  user: string
  /** As colleagues see them, where this device knows it. */
  name: string | null
  unsent: number
}

const NAME = 'name'
const STAYS = 'stays'

/** Notes who is signed in, so that the next one is told whose records these are. */
export const rememberName = (name: string): void => notes.write(NAME, name)

/** Everybody but this user whose records are here. */
export async function othersHere(me: string): Promise<Other[]> {
  const kept = (await keptReplicas()).filter(({ name }) => name !== me)
  return kept.map(({ name, unsent }) => ({ user: name, name: notes.read<string>(NAME, name), unsent: unsent ?? 0 }))
}

/** Those among them of whom nobody has said that their records are to stay. */
export const unspoken = (others: Other[]): Other[] => others.filter(({ user }) => !(notes.read<string[]>(STAYS) ?? []).includes(user))

/** Somebody said that these may stay; they are not asked about again. */
export const letStay = (others: Other[]): void => notes.write(STAYS, others.map(({ user }) => user))

/** Their unsent and refused entries as a file. */
export async function rescueOf({ user }: Other): Promise<Rescue> {
  const theirs = await openReplica({ name: user, storage: 'opfs' })
  try {
    return await theirs.exportRescue()
  } finally {
    await theirs.close()
  }
}

/** Takes their records off this device; refused with `unsent` while they have entries that exist here only. */
export async function erase({ user }: Other, evenUnsent: boolean): Promise<void> {
  const theirs = await openReplica({ name: user, storage: 'opfs' })
  try {
    await theirs.erase({ evenUnsent })
  } catch (error) {
    await theirs.close()
    throw error
  }
  notes.forgetAll(user)
}
