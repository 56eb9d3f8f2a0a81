// Work that waits is sent when the browser finds a network again, also while the app is not looked at: where it has
// Background Sync, its service worker is woken and tells the page. A browser opens no records without a page, so
// that an app that was closed altogether sends when it is opened next.
import type { Replica } from '@kitchen-pantry/sync'

const TAG = 'kitchen-pantry:unsent'
/** Not all browsers have it, and not all types know it. */
type Registration = ServiceWorkerRegistration & { sync?: { register(tag: string): Promise<void> } }

async function register(): Promise<void> {
  try {
    const registration: Registration | undefined = await navigator.serviceWorker?.ready
    await registration?.sync?.register(TAG)
  } catch {
    // The user forbade it, or the window is a private one: it is sent when the page hears of the network.
  }
}

/** Registers whenever there is something to send and nobody to send it to; sends when woken. */
export function sendWhenWoken(replica: Replica): void {
  let isWaiting = false
  replica.onStatus(({ unsent, link, signIn }) => {
    const waits = unsent > 0 && link === 'offline' && !signIn
    if (waits && !isWaiting) void register()
    isWaiting = waits
  })
  navigator.serviceWorker?.addEventListener('message', ({ data, ports }) => {
    if (data?.type !== 'SEND_NOW') return
    void replica.sync().catch(() => {}).then(() => ports[0]?.postMessage({ unsent: replica.status?.unsent ?? 0 }))
  })
}
