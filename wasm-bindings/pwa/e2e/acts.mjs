// What people do with the app, by what stands on the screen.

const NAMES = ['Blue Door', 'Casa Luna', 'Harbor Grill', 'Old Mill Bakery', 'Sakura House', 'Green Fork', 'Pho Saigon', 'Taverna Zoë', 'Copper Pot', 'Bistro Élan']

export const acts = {
  /** Begins an account; resolves once its card is shown. */
  async account(page, name) {
    await acts.add(page, 'Account')
    await page.getByLabel('Name', { exact: true }).fill(name)
    await page.locator('[data-test=save]').click()
    await page.locator('[data-test=check-in]').waitFor()
  },
  /** Opens the sheet with what can be added. */
  async add(page, what) {
    await page.getByRole('button', { name: 'Add', exact: true }).last().click()
    await page.getByRole('dialog').getByRole('link', { name: what, exact: true }).click()
  },
  /** Checks in at the account that is shown, and logs the visit with a follow-up for tomorrow. */
  async visit(page) {
    await page.locator('[data-test=check-in]').click()
    await acts.choose(page, 'Interested')
    await acts.choose(page, 'Call')
    await acts.choose(page, 'Tomorrow')
    await page.locator('[data-test=save-visit]').click()
    await page.locator('[data-test=check-in]').waitFor()
  },
  choose: (page, name) => page.getByRole('radio', { name, exact: true }).click(),
  /** Finishes the first task that is shown. */
  async finishOne(page) {
    const circle = page.locator('[data-test=task-circle][aria-pressed=false]').first()
    const name = await circle.getAttribute('aria-label')
    await circle.click()
    await page.locator('[data-test=next-nothing]').click()
    await page.getByRole('button', { name, exact: true }).waitFor({ state: 'detached' })
  },
  /** A day's work over the screens; counts the edits. */
  async day(page) {
    let edits = 0
    for (const name of NAMES) {
      await acts.account(page, name)
      await acts.visit(page)
      // The account, the arrival, the log and the follow-up.
      edits += 4
    }
    await page.getByRole('link', { name: 'Tasks' }).first().click()
    // The account that was shown before has circles too.
    await page.getByRole('heading', { name: 'Tasks', level: 1 }).waitFor()
    for (let n = 0; n < NAMES.length; n += 1) await acts.finishOne(page)
    edits += NAMES.length
    return { edits, accounts: NAMES, visits: NAMES.length, finished: NAMES.length }
  },
}
