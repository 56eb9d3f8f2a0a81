// What a thread of Node begins with: `worker.ts` without a browser.
import { parentPort } from 'node:worker_threads'
import { EngineFailed } from './guarded.js'
import type { ToWorker } from './messages.js'
import { Tab } from './tab.js'

const tab = new Tab((message) => parentPort?.postMessage(message))
parentPort?.on('message', (message) => tab.hear(message as ToWorker))
// The page was told of it already, in so many words.
for (const kind of ['uncaughtException', 'unhandledRejection']) {
  process.on(kind, (error) => { if (!(error instanceof EngineFailed)) throw error })
}
