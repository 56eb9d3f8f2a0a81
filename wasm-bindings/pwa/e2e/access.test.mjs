// Whoever sees little, or uses no mouse, has every screen too.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { DESK, PHONE, SeededOffice, Person } from './kit.mjs'
import { SCREENS, show } from './screens.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
let office
let rosa
before(async () => {
  office = await SeededOffice.open()
  rosa = await Person.at(office, 'rosa')
  await rosa.hasEverything()
})
after(() => office?.end())

for (const [size, viewport] of [['phone', PHONE], ['desk', DESK]]) {
  for (const colorScheme of ['light', 'dark']) {
    test(`axe finds nothing on any screen: ${size}, ${colorScheme}`, async () => {
      await rosa.page.setViewportSize(viewport)
      await rosa.page.emulateMedia({ colorScheme })
      const found = []
      for (const screen of SCREENS) {
        await show(rosa, screen)
        await rosa.page.evaluate(axe)
        const { violations } = await rosa.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
        found.push(...violations.map(({ id, help, nodes }) => `${screen.name}: ${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`))
      }
      assert.deepEqual(found, [])
    })
  }
}

test('nothing is wider than a small phone, also with letters of twice the size', async () => {
  await rosa.page.setViewportSize({ width: 360, height: 740 })
  const wide = []
  for (const size of ['100%', '200%']) {
    await rosa.page.evaluate((size) => { document.documentElement.style.fontSize = size }, size)
    for (const screen of SCREENS) {
      await show(rosa, screen)
      const over = await rosa.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (over > 0) wide.push(`${screen.name} at ${size}: ${over} px`)
    }
  }
  await rosa.page.evaluate(() => { document.documentElement.style.fontSize = '' })
  assert.deepEqual(wide, [])
})

test('what is tapped is at least 44 px high', async () => {
  await rosa.page.setViewportSize(PHONE)
  const small = []
  for (const screen of SCREENS) {
    await show(rosa, screen)
    const found = await rosa.page.evaluate(() =>
      [...document.querySelectorAll('a, button, input, select, [role=radio]')]
        .map((one) => ({ one, box: one.getBoundingClientRect() }))
        .filter(({ one, box }) => box.width > 0 && box.height < 44 && one.checkVisibility() && !one.closest('.sr-only') && !one.classList.contains('sr-only') && getComputedStyle(one).display !== 'inline')
        .map(({ one, box }) => `${one.tagName} "${(one.textContent || one.getAttribute('aria-label') || '').trim().slice(0, 30)}" ${Math.round(box.height)} px`))
    small.push(...found.map((what) => `${screen.name}: ${what}`))
  }
  assert.deepEqual(small, [])
})
