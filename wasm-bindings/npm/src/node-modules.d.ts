// What of Node this package uses; all types of Node would stand beside those of browsers.
declare module 'node:fs/promises' {
  export function readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>
}
declare module 'node:worker_threads' {
  export class Worker {
    constructor(script: URL, options: { execArgv: string[] })
    on(event: 'message', listener: (message: unknown) => void): void
    on(event: 'error', listener: (error: Error) => void): void
    postMessage(message: unknown): void
    terminate(): Promise<number>
  }
  export const parentPort: { on(event: 'message', listener: (message: unknown) => void): void; postMessage(message: unknown): void } | null
}
declare const process: { on(event: string, listener: (error: unknown) => void): void }
