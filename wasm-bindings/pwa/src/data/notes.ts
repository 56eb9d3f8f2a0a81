// What this device notes of a user beside the records: forgotten with them, and read for nobody else.
import * as tokens from './token'

const ROOT = 'kitchen-pantry:of:'
const of = (user: string, name: string) => `${ROOT}${user}:${name}`

/** What was noted under a name; null when nothing was, or it cannot be read. */
export function read<T>(name: string, user = tokens.user()): T | null {
  try {
    return JSON.parse((user && localStorage.getItem(of(user, name))) || 'null') as T | null
  } catch {
    return null
  }
}

export function write(name: string, value: unknown): void {
  const user = tokens.user()
  if (user) localStorage.setItem(of(user, name), JSON.stringify(value))
}

export function remove(name: string): void {
  const user = tokens.user()
  if (user) localStorage.removeItem(of(user, name))
}

/** Forgets all that was noted of a user. */
export function forgetAll(user: string): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(of(user, ''))) localStorage.removeItem(key)
}
