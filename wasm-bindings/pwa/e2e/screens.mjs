// Every screen, with how to get there in a made-up company; `for` says who has it.

const first = (sql) => async (person) => {
  const [[id]] = await person.rows(sql)
  return id
}
const busiest = first(`SELECT o.id FROM organizations o WHERE o.is_deleted IS NOT TRUE AND o.organization_type = 'customer'
  ORDER BY (SELECT count(*) FROM interactions i WHERE i.organization_id = o.id) + 5 * (SELECT count(*) FROM opportunities p WHERE p.organization_id = o.id AND p.stage NOT IN ('closed-won', 'closed-lost')) DESC, o.id LIMIT 1`)
const visit = first("SELECT id FROM interactions WHERE status = 'scheduled' ORDER BY planned_at, id LIMIT 1")
const contact = first('SELECT id FROM contacts WHERE is_deleted IS NOT TRUE ORDER BY is_decision_maker DESC, id LIMIT 1')
const task = first('SELECT id FROM tasks WHERE is_completed IS NOT TRUE ORDER BY due_date, id LIMIT 1')
const contested = first("SELECT id FROM organizations WHERE conflict_count > 0 ORDER BY id LIMIT 1")
const deal = first("SELECT id FROM opportunities WHERE stage = 'negotiation' ORDER BY id LIMIT 1")

export const SCREENS = [
  { name: 'today', path: '/' },
  { name: 'accounts', path: '/accounts' },
  { name: 'account', path: async (person) => `/accounts/${await busiest(person)}` },
  { name: 'account-edit', path: async (person) => `/accounts/${await busiest(person)}/edit` },
  { name: 'account-new', path: '/accounts/new' },
  { name: 'check-in', path: '/check-in' },
  { name: 'visit', path: async (person) => `/visits/${await visit(person)}` },
  { name: 'contacts', path: '/contacts' },
  { name: 'contact', path: async (person) => `/contacts/${await contact(person)}` },
  { name: 'tasks', path: '/tasks' },
  { name: 'task', path: async (person) => `/tasks/${await task(person)}` },
  { name: 'pipeline', path: '/pipeline' },
  { name: 'deal', path: async (person) => `/deals/${await deal(person)}` },
  { name: 'dashboard', path: '/dashboard' },
  { name: 'sent', path: '/sent' },
  { name: 'contested', path: async (person) => `/contested/${await contested(person)}` },
  { name: 'history', path: async (person) => `/history/${await busiest(person)}` },
  { name: 'import', path: '/import' },
  { name: 'more', path: '/more' },
]

/** Goes to a screen and waits until it has what it shows. */
export async function show(person, { path }) {
  const to = typeof path === 'string' ? path : await path(person)
  await person.turnTo(to)
  await person.page.locator(`main[data-path="${to}"] h1`).waitFor()
  await person.page.waitForFunction(() => !document.querySelector('[aria-busy=true]'))
  await person.page.evaluate(() => document.fonts.ready)
}
