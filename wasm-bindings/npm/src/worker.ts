// What a page's worker begins with.
import { EngineFailed } from './guarded.js'
import type { ToWorker } from './messages.js'
import { Tab } from './tab.js'

const tab = new Tab((message) => self.postMessage(message))
self.onmessage = ({ data }: MessageEvent<ToWorker>) => tab.hear(data)
// The page was told of it already, in so many words.
self.addEventListener('error', (event) => { if (event.error instanceof EngineFailed) event.preventDefault() })
self.addEventListener('unhandledrejection', (event) => { if (event.reason instanceof EngineFailed) event.preventDefault() })
