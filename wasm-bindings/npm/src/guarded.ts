// The engine, watched: once it failed in itself nothing more may be asked of it.
import type { Host } from './engine/engine.js'

/** What a panic said last, as the engine's hook left it. */
const saidAtPanic = () => (globalThis as { pantryPanic?: string }).pantryPanic

/** The engine failed, and whoever starts another worker was told. */
export class EngineFailed extends Error {}

/** Tells of failures of the engine itself, as opposed to what it refuses. */
export function guarded(host: Host, crashed: (message: string, during: string) => void): Host {
  return new Proxy(host, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        try {
          return value.apply(target, args)
        } catch (error) {
          if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error
          const message = `the app's engine failed: ${saidAtPanic() ?? error.message}`
          crashed(message, name === 'call' ? String(args[0]) : 'link')
          throw new EngineFailed(message)
        }
      }
    },
  })
}
