// A tab's worker. Of all tabs one worker has the database, whoever holds the lock; the others pass their
// page's questions on to it, and wait for the lock.
import { failureOf } from './errors.js'
import type { Answer, Beginning, News, Request, Spoken, ToPage, ToWorker } from './messages.js'
import { Owner } from './owner.js'

const me = crypto.randomUUID()
const page = (message: ToPage) => self.postMessage(message)

let owner: Owner | null = null
let channel: BroadcastChannel
let letGo: () => void = () => {}
const waiting = new Map<string, Request>()

const speak = (spoken: Spoken) => channel.postMessage(spoken)
const lockOf = (name: string) => `kitchen-pantry:${name}`
const presenceOf = (name: string, tab: string) => `kitchen-pantry:${name}:${tab}`

function begin(beginning: Beginning): void {
  const { name } = beginning
  channel = new BroadcastChannel(lockOf(name))
  channel.onmessage = ({ data }) => heard(name, data as Spoken)
  // As long as this is held, the tab is there.
  void navigator.locks.request(presenceOf(name, me), () => new Promise(() => {}))
  if (beginning.storage === 'memory') {
    void own(beginning).catch((error) => page({ failed: failureOf(error) }))
    return
  }
  page({ state: 'waiting' })
  // Queued and never stolen: whoever has it may be in the middle of a write.
  navigator.locks
    .request(lockOf(name), async () => {
      await own(beginning)
      await new Promise<void>((resolve) => { letGo = resolve })
      owner?.close()
      owner = null
      page({ state: 'closed' })
    })
    .catch((error) => page({ failed: failureOf(error) }))
}

async function own(beginning: Beginning): Promise<void> {
  page({ state: 'opening' })
  owner = await Owner.open(beginning, { news, fetchToken: () => page({ fetchToken: true }) })
  page({ state: 'owner' })
  speak({ owner: me })
  for (const request of [...waiting.values()]) await answer(request)
}

function news(news: News): void {
  if (news.to === null || news.to === me) page({ news })
  if (news.to !== me) speak({ news })
}

function heard(name: string, spoken: Spoken): void {
  if ('request' in spoken) {
    if (!owner) return
    watch(name, spoken.request.from)
    void owner.answer(spoken.request).then((answer) => speak({ answer }))
  } else if ('answer' in spoken) {
    if (spoken.answer.to === me) tell(spoken.answer)
  } else if ('news' in spoken) {
    if (spoken.news.to === null || spoken.news.to === me) page({ news: spoken.news })
  } else {
    // A new owner has heard nothing of what an old one was asked.
    for (const request of waiting.values()) speak({ request })
    page({ state: 'waiting' })
  }
}

const watched = new Set<string>()
/** Waits for the lock that a tab holds as long as it is there. */
function watch(name: string, tab: string): void {
  if (tab === me || watched.has(tab)) return
  watched.add(tab)
  void navigator.locks.request(presenceOf(name, tab), () => {
    watched.delete(tab)
    owner?.forget(tab)
  })
}

async function answer(request: Request): Promise<void> {
  if (owner) tell(await owner.answer(request))
}

function tell(answer: Answer): void {
  if (waiting.delete(answer.id)) page({ answer })
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if ('begin' in data) begin(data.begin)
  else if ('request' in data) {
    const request = { ...data.request, from: me }
    waiting.set(request.id, request)
    if (owner) void answer(request)
    else speak({ request })
  } else if ('token' in data) {
    const { token } = data
    owner?.token('value' in token ? { Ok: token.value } : { Err: { token_unavailable: token.failure.message } })
  } else if ('online' in data) owner?.tryAgain()
  else letGo()
}
