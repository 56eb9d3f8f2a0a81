// A tab's worker. Of all tabs one worker has the database, whoever holds the lock; the others pass their
// page's questions on to it, and wait for the lock.
import { PantryError, failureOf } from './errors.js'
import type { Answer, Beginning, News, Request, Spoken, ToPage, ToWorker } from './messages.js'
import { Owner } from './owner.js'

const LACKING = 'this browser, or this mode of it, has no file system for the app'
const me = crypto.randomUUID()
const page = (message: ToPage) => self.postMessage(message)

let owner: Owner | null = null
/** None where every tab has a database of its own, in memory. */
let channel: BroadcastChannel | null = null
let letGo: () => void = () => {}
let giveUser: (user: string | null) => void = () => {}
const queue = new AbortController()
const waiting = new Map<string, Request>()

const speak = (spoken: Spoken) => channel?.postMessage(spoken)
const lockOf = (name: string) => `kitchen-pantry:${name}`
const presenceOf = (name: string, tab: string) => `kitchen-pantry:${name}:${tab}`

function begin(beginning: Beginning): void {
  const { name, storage } = beginning
  const lacking = !navigator.locks || !navigator.storage?.getDirectory
  if (lacking && storage === 'opfs') return failed(new PantryError('no_storage', LACKING))
  if (storage === 'memory' || lacking) {
    own({ ...beginning, storage: 'memory' })
      .then(() => { if (storage === 'auto') owner?.tell({ type: 'memory', because: LACKING }) })
      .catch(failed)
    return
  }
  channel = new BroadcastChannel(lockOf(name))
  channel.onmessage = ({ data }) => heard(name, data as Spoken)
  // As long as this is held, the tab is there.
  void navigator.locks.request(presenceOf(name, me), () => new Promise(() => {}))
  page({ state: 'waiting', storage: 'opfs' })
  // Queued and never stolen: whoever has it may be in the middle of a write.
  navigator.locks
    .request(lockOf(name), { signal: queue.signal }, async () => {
      await own(beginning)
      // Nobody else can use what is in this worker's memory, and the next one finds out by itself.
      if (owner?.storage === 'memory') return
      await new Promise<void>((resolve) => { letGo = resolve })
      owner?.close()
      owner = null
      page({ state: 'closed', storage: 'opfs' })
    })
    .catch((error) => { if (!queue.signal.aborted) failed(error) })
}

const failed = (error: unknown) => page({ failed: failureOf(error) })

async function own(beginning: Beginning): Promise<void> {
  page({ state: 'opening', storage: 'opfs' })
  owner = await Owner.open(beginning, { news, fetchToken: () => page({ fetchToken: true }), user: askForUser })
  page({ state: 'owner', storage: owner.storage })
  if (owner.storage === 'memory') {
    channel?.close()
    channel = null
  }
  speak({ owner: me })
  for (const request of [...waiting.values()]) await answer(request)
}

function askForUser(): Promise<string | null> {
  return new Promise((resolve) => {
    giveUser = resolve
    page({ needUser: true })
  })
}

function news(news: News): void {
  if (news.to === null || news.to === me) page({ news })
  if (news.to !== me) speak({ news })
}

function heard(name: string, spoken: Spoken): void {
  if ('request' in spoken) {
    if (!owner) return
    watch(name, spoken.request.from)
    void owner.answer(spoken.request).then((answer) => {
      speak({ answer })
      endIfErased()
    })
  } else if ('answer' in spoken) {
    if (spoken.answer.to === me) tell(spoken.answer)
  } else if ('news' in spoken) {
    if (spoken.news.to === null || spoken.news.to === me) page({ news: spoken.news })
  } else if ('erased' in spoken) {
    queue.abort()
    page({ erased: true })
  } else {
    // A new owner has heard nothing of what an old one was asked.
    for (const request of waiting.values()) speak({ request })
    page({ state: 'waiting', storage: 'opfs' })
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
  if (!owner) return
  tell(await owner.answer(request))
  endIfErased()
}

/** Nobody has anything to ask any more, here or in another tab. */
function endIfErased(): void {
  if (!owner?.erased) return
  speak({ erased: true })
  page({ erased: true })
  letGo()
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
    owner?.token('value' in token ? { Ok: token.value } : { Err: token.failure.code === 'no_token' ? { no_token: token.failure.message } : { token_unavailable: token.failure.message } })
  } else if ('user' in data) giveUser(data.user)
  else if ('online' in data) owner?.tryAgain()
  else {
    queue.abort()
    letGo()
  }
}
