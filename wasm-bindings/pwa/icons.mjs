// Draws the icons of the installed app from public/icons/icon.svg, in Chromium: node icons.mjs
import { readFileSync, writeFileSync } from 'node:fs'
import { chromium } from 'playwright-core'

const svg = readFileSync(new URL('public/icons/icon.svg', import.meta.url), 'utf8')
// Launchers cut a maskable icon to their own shape: the colour goes to the edge.
const maskable = svg.replace('rx="112"', '')
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
const page = await browser.newPage()
async function draw(of, name, size) {
  await page.setViewportSize({ width: size, height: size })
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${of}`)
  writeFileSync(new URL(`public/icons/${name}-${size}x${size}.png`, import.meta.url), await page.screenshot({ omitBackground: true }))
}
for (const size of [72, 96, 128, 144, 152, 192, 384, 512]) await draw(svg, 'icon', size)
for (const size of [192, 512]) await draw(maskable, 'maskable', size)
await browser.close()
