// A mark outside of the database that says that there was one, so that its loss is noticed.

/** What is noted of a database. */
export interface Mark {
  /** Which copy it was. */
  replica: string
  /** Edits that existed in it only, when this was noted last. */
  unsent: number
  /** When that was, in milliseconds since 1970. */
  at: number
}

const keyOf = (name: string) => `kitchen-pantry:${name}`

/** What was noted; null where nothing was, or nothing can be noted. */
export function marked(name: string): Mark | null {
  try {
    return JSON.parse(localStorage.getItem(keyOf(name)) ?? 'null') as Mark | null
  } catch {
    return null
  }
}

export function mark(name: string, replica: string, unsent: number): void {
  try {
    localStorage.setItem(keyOf(name), JSON.stringify({ replica, unsent, at: Date.now() } satisfies Mark))
  } catch {
    // A browser that keeps no marks notices no loss.
  }
}

export function unmark(name: string): void {
  try {
    localStorage.removeItem(keyOf(name))
  } catch {
    // As above.
  }
}
