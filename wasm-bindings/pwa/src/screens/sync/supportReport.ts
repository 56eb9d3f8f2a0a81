// What somebody who helps needs to know: versions and states, never what a record says.
import { config } from '../../data/config'
import { faults } from '../../data/faults'
import { me, replica, signInNeeded, status } from '../../data/session'
import { language } from '../../words'
import { room } from './room'

export async function supportReport(): Promise<object> {
  const about = await replica().call('about', {}).catch(() => null)
  const refused = await replica().quarantine().catch(() => [])
  const { syncUrl } = await config()
  return {
    writtenAt: new Date().toISOString(),
    app: { build: import.meta.env.MODE, page: location.origin, language: language(), isInstalled: matchMedia('(display-mode: standalone)').matches, office: syncUrl },
    device: { browser: navigator.userAgent, isOnline: navigator.onLine, zone: Intl.DateTimeFormat().resolvedOptions().timeZone, isOwner: replica().owns },
    engine: about,
    role: me.value?.role ?? null,
    signInNeeded: signInNeeded.value,
    status: status.value,
    // Why, but not what.
    refused: refused.map(({ hash, kind, madeAt, code, policy }) => ({ hash, kind, madeAt, code, policy })),
    storage: await room(),
    faults: faults(),
  }
}
