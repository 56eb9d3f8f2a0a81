// The app by its keys alone: goes on with Tab until something has the focus, and looks that one can see it.

/** What has the focus, in words, and whether it shows that it has. */
const look = () => {
  const one = document.activeElement
  const { outlineStyle, outlineWidth } = getComputedStyle(one)
  const box = one.getBoundingClientRect()
  return {
    name: `${one.tagName.toLowerCase()} "${(one.getAttribute('aria-label') || one.textContent || one.id || '').trim().slice(0, 40)}"`,
    isSeen: one === document.body || one.getAttribute('role') === 'dialog' || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && box.width > 1 && box.height > 1),
  }
}
const MOST = 250

export class Keys {
  /** What had the focus and did not show it. */
  unseen = []
  constructor(page) { this.page = page }
  press(key) { return this.page.keyboard.press(key) }
  async tab(key = 'Tab') {
    await this.press(key)
    const { name, isSeen } = await this.page.evaluate(look)
    if (!isSeen && !this.unseen.includes(name)) this.unseen.push(name)
    return name
  }
  /** Tab by Tab to what a selector names; with what stands in it, if that is given. */
  async to(selector, text = '') {
    await this.page.locator(selector).first().waitFor()
    const passed = []
    for (let n = 0; n < MOST; n += 1) {
      if (await this.isAt(selector, text)) return
      passed.push(await this.tab())
    }
    throw new Error(`Tab does not come to ${selector} ${text}; it came by ${[...new Set(passed)].join(', ')}`)
  }
  isAt(selector, text = '') {
    return this.page.evaluate(([selector, text]) => {
      const one = document.activeElement
      return !!one && one.matches(selector) && (one.getAttribute('aria-label') || one.textContent || '').includes(text)
    }, [selector, text])
  }
  isIn(selector) { return this.page.evaluate((selector) => !!document.activeElement?.closest(selector), selector) }
  /** Goes there and presses Enter. */
  async use(selector, text = '') {
    await this.to(selector, text)
    await this.press('Enter')
  }
}
