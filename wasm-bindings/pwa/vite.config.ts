import tailwind from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { showTexts } from './compile/shown'
import manifest from './manifest'

// The engine is above the precache's usual limit; without it the app would not start offline.
const LARGEST_PRECACHED = 8 * 1024 * 1024

export default defineConfig({
  plugins: [
    vue({ template: { compilerOptions: { nodeTransforms: [showTexts] } } }),
    tailwind(),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src',
      filename: 'sw.ts',
      registerType: 'prompt',
      injectRegister: null,
      manifest,
      injectManifest: {
        globPatterns: ['**/*.{js,css,html,wasm,svg,png,webmanifest}'],
        maximumFileSizeToCacheInBytes: LARGEST_PRECACHED,
      },
    }),
  ],
  worker: { format: 'es' },
  build: { target: 'es2022', assetsInlineLimit: 0 },
  optimizeDeps: { exclude: ['@kitchen-pantry/sync'] },
  server: { proxy: { '/sync': { target: process.env.PANTRY_SERVER ?? 'ws://127.0.0.1:8080', ws: true }, ...Object.fromEntries(['/config.json', '/api'].map((path) => [path, process.env.PANTRY_HTTP ?? 'http://127.0.0.1:8080'])) } },
})
