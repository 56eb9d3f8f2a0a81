/// <reference lib="webworker" />
// Keeps the whole app on the device, so that it starts without a network. What the server answers itself
// (sign-in, the socket, its settings) is never answered from here.
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'

declare const self: ServiceWorkerGlobalScope

const SERVER_ANSWERS = [/^\/sync/, /^\/health/, /^\/api\//, /^\/config\.json/, /^\/metrics/]

precacheAndRoute(self.__WB_MANIFEST)
cleanupOutdatedCaches()
registerRoute(new NavigationRoute(createHandlerBoundToURL('/index.html'), { denylist: SERVER_ANSWERS }))

self.addEventListener('message', (event) => {
  if (event.data?.type === 'SKIP_WAITING') void self.skipWaiting()
})
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

// The browser woke us since there is signal: a page that is open sends what waits.
self.addEventListener('sync', (event) => {
  const flush = async () => {
    const pages = await self.clients.matchAll({ type: 'window' })
    for (const page of pages) page.postMessage({ type: 'SEND_NOW' })
  }
  ;(event as ExtendableEvent).waitUntil(flush())
})
