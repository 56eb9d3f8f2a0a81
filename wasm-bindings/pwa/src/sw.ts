/// <reference lib="webworker" />
// Keeps the whole app on the device, so that it starts without a network. What the server answers itself
// (sign-in, the socket, its settings) is never answered from here.
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'

declare const self: ServiceWorkerGlobalScope

/** Browsers let a service worker do this for a few minutes at most. */
const PATIENCE_MS = 60_000
const SERVER_ANSWERS = [/^\/sync/, /^\/health/, /^\/api\//, /^\/config\.json/, /^\/metrics/]

precacheAndRoute(self.__WB_MANIFEST)
cleanupOutdatedCaches()
registerRoute(new NavigationRoute(createHandlerBoundToURL('/index.html'), { denylist: SERVER_ANSWERS }))

self.addEventListener('message', (event) => {
  if (event.data?.type === 'SKIP_WAITING') void self.skipWaiting()
})
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

/** What a page answers once it tried to send; a page that sleeps does not answer. */
const answerOf = (page: Client) => new Promise<{ unsent: number }>((resolve) => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = ({ data }) => resolve(data)
  setTimeout(() => resolve({ unsent: 0 }), PATIENCE_MS)
  page.postMessage({ type: 'SEND_NOW' }, [port2])
})

// The browser woke us since there is a network: pages that are open send what waits. When it fails the browser
// tries again later.
self.addEventListener('sync', (event) => {
  const flush = async () => {
    const answers = await Promise.all((await self.clients.matchAll({ type: 'window' })).map(answerOf))
    if (answers.some(({ unsent }) => unsent > 0)) throw new Error('not everything could be sent')
  }
  ;(event as ExtendableEvent).waitUntil(flush())
})
