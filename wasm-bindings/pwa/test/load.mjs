// The app's own modules in Node, with as much of a browser as they ask for.
import { createServer } from 'vite'

const root = new URL('..', import.meta.url).pathname
const server = await createServer({ root, configFile: false, logLevel: 'error', appType: 'custom', server: { middlewareMode: true, watch: null, ws: false }, optimizeDeps: { noDiscovery: true } })
export const load = (path) => server.ssrLoadModule(path)
export const end = () => server.close()

/** From here on the user reads one language, as the browsers of a place write it. */
export function reads(tag) {
  const kept = new Map([['kitchen-pantry:language', tag.split('-')[0]]])
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { languages: [tag] } })
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, value: { getItem: (key) => kept.get(key) ?? null } })
}
