import type { ManifestOptions } from 'vite-plugin-pwa'

const SIZES = [72, 96, 128, 144, 152, 192, 384, 512]

const shortcut = (name: string, url: string) => ({
  name,
  short_name: name,
  url,
  icons: [{ src: '/icons/icon-96x96.png', sizes: '96x96', type: 'image/png' }],
})

/** What a phone needs to know to install the app. */
const manifest: Partial<ManifestOptions> = {
  id: '/',
  name: 'Kitchen Pantry CRM',
  short_name: 'Kitchen Pantry',
  description: 'Accounts, visits and deals of food-service sales, with or without signal.',
  start_url: '/',
  scope: '/',
  display: 'standalone',
  orientation: 'portrait-primary',
  background_color: '#F4F5F2',
  theme_color: '#0B5D3B',
  categories: ['business', 'productivity'],
  icons: [
    ...SIZES.map((size) => ({ src: `/icons/icon-${size}x${size}.png`, sizes: `${size}x${size}`, type: 'image/png', purpose: 'any' as const })),
    ...[192, 512].map((size) => ({ src: `/icons/maskable-${size}x${size}.png`, sizes: `${size}x${size}`, type: 'image/png', purpose: 'maskable' as const })),
  ],
  shortcuts: [
    shortcut('Check in', '/check-in'),
    shortcut('Accounts', '/accounts'),
    shortcut('Tasks', '/tasks'),
    shortcut('Dashboard', '/dashboard'),
  ],
}

export default manifest
