// How well what is on this device is kept, as far as the browser says.

/** Where records are, and how safe they are there. */
export interface StorageState {
  /** `opfs`: in the browser's own file system. `memory`: gone with the page. */
  mode: 'opfs' | 'memory'
  /** Whether the browser promised not to delete it by itself; null when it does not say. */
  persisted: boolean | null
  /** Bytes in use by this site, and how many it may use; null when the browser does not say. */
  usage: number | null
  quota: number | null
  /** When what is here may be lost, in a sentence for people; null when only a person can delete it. */
  evictionRisk: string | null
}

const MEMORY = 'Nothing is kept in this browser: what has not been sent is lost when the page is closed.'
const SAFARI = 'Safari deletes what a site keeps after seven days without a visit, unless the app is on the Home Screen.'
const BEST_EFFORT = 'The browser may delete what is kept here when the device runs out of space.'
const NEARLY_FULL = 'The space that the browser allows is nearly used up: new edits may soon be refused.'

/** Asks the browser not to delete what is kept here; it may ask the user, or decide by itself. */
export async function persist(): Promise<boolean | null> {
  try {
    return (await globalThis.navigator?.storage?.persist?.()) ?? null
  } catch {
    return null
  }
}

export async function storageState(mode: 'opfs' | 'memory'): Promise<StorageState> {
  const { storage, vendor = '' } = globalThis.navigator ?? {}
  const asked = async <T>(what: Promise<T> | undefined): Promise<T | null> => (await what?.catch(() => null)) ?? null
  const [persisted, estimate] = await Promise.all([asked(storage?.persisted?.()), asked(storage?.estimate?.())])
  const { usage = null, quota = null } = estimate ?? {}
  const full = usage !== null && quota !== null && usage > 0.9 * quota
  const risk = mode === 'memory' ? MEMORY : full ? NEARLY_FULL : persisted ? null : vendor.startsWith('Apple') ? SAFARI : BEST_EFFORT
  return { mode, persisted, usage, quota, evictionRisk: risk }
}
