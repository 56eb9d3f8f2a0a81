// Takes a picture of every screen: phone and desk, light and dark. node screenshots.mjs [FOLDER]
import { mkdirSync } from 'node:fs'
import { DESK, Person, PHONE, SeededOffice } from './e2e/kit.mjs'
import { SCREENS, show } from './e2e/screens.mjs'

const folder = process.argv[2] ?? 'screenshots'
mkdirSync(folder, { recursive: true })
const office = await SeededOffice.open()
const rosa = await Person.at(office, 'rosa')
await rosa.hasEverything()
// The letters of most phones, whatever the system's own are.
await rosa.page.evaluate(() => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync('html { font-family: Roboto, system-ui, sans-serif }')
  document.adoptedStyleSheets = [sheet]
})
for (const [size, viewport] of [['phone', PHONE], ['desk', DESK]]) {
  await rosa.page.setViewportSize(viewport)
  for (const colorScheme of ['light', 'dark']) {
    await rosa.page.emulateMedia({ colorScheme })
    for (const screen of SCREENS) {
      await show(rosa, screen)
      const path = `${folder}/${screen.name}-${size}-${colorScheme}.png`
      await rosa.page.screenshot({ path })
      console.log(path)
    }
  }
}
await rosa.end()
await office.end()
