/**
 * What a manager does to accounts that others look after. It happens on the server at once, so it needs a
 * network: nothing here is kept for later.
 *
 * @packageDocumentation
 */

/** Why the server did not do it: `code` is a word for programs, `message` a sentence for people. */
export class ManageError extends Error {
  override name = 'ManageError'
  constructor(
    /**
     * `unreachable`: no answer came; ask again with the same request. `stale`: something changed since the
     * preview; nothing was done. `denied`, `rule` and the like: the rules refuse it; see `refused`. Others as
     * in the list of codes of the protocol.
     */
    readonly code: string,
    /** A sentence for people. */
    message: string,
    /** The rule that says no, where one does. */
    readonly policy: string | null = null,
    /** Why it is refused, account by account. */
    readonly refused: Refusal[] = [],
    /** When to try again. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message)
  }
}

/** Why the rules refuse it of an account. */
export interface Refusal { account?: string; code: string; policy?: string | null; sentence: string }

/** A value with what it is called, where it is the id of something. */
export interface NamedValue { value: unknown; name: string | null }

/** What becomes of one column of one record. */
export interface ColumnChange { kind: string; record: string; title: string; column: string; from: NamedValue; to: NamedValue }

/** How many things hang from an account. */
export interface Counts { contacts: number; tasks: number; visits: number; deals: number }

/** What becomes of one account. */
export interface AccountPreview {
  id: string
  name: string | null
  /** A mark of what is shown here. */
  fingerprint: string
  changes: ColumnChange[]
  /** Why it would be refused; null if it would not. */
  refused: Refusal | null
  moves: Counts
  /** Of a merger: every column in which the two differ, with what stays and what is seen no more. */
  columns?: { column: string; kept: unknown; given_up: unknown }[]
}

/** One thing that goes along. */
export interface Moving { id: string; account: string; title: string | null; at: string | null; who: string | null }

/** What would come of it. Nothing has changed yet. */
export interface Preview {
  accounts: AccountPreview[]
  /** Open work and people of all these accounts: how many, and the first by name. */
  moves: Partial<Record<keyof Counts, { count: number; named: Moving[] }>>
  /** Who looks after them first as it stands, and when their devices were heard last: what is on those and was
   *  not sent may still come. Null where the user may not know, or nothing was heard yet. */
  former?: { id: string; name: string | null; last_sync: string | null }[]
  /** Accounts that stand so already. */
  as_it_is: number
  /** Accounts beyond what one request takes. */
  more: number
}

/** What came of it. */
export interface Done {
  /** Accounts that stand as it was shown. */
  accounts: number
  /** Of these, those that did so already since the same was asked for before. */
  before: number
}

/** Which accounts: by their ids, or all that a person looks after first. */
export type Whose = { accounts: string[] } | { from: string }

/** Who is to look after them. What is left out stays; null is nobody, or nowhere. */
export interface HandOver { to?: string; second?: string | null; territory?: string | null }

/** Work that was refused. */
export interface RefusedWork {
  hash: string
  author: string
  who: string | null
  refused_at: string
  made_at: string
  kind: string
  record: string
  edit: unknown
  code: string
  policy: string | null
  sentence: string
}

/** Where the server is, and who asks. */
export interface ManageOptions {
  /** The address of the socket, such as `wss://crm.example.com/sync`. */
  url: string
  /** Gives a token that holds. */
  token: () => Promise<string>
  /** How long to wait for an answer, in milliseconds; a minute without it. */
  patienceMs?: number
}

/** A request to do what a preview showed. The id is kept by the caller until there is an answer: asked again with
 *  it, the server does nothing twice. */
export interface Act { request: string; preview: Preview }

/** Deeds of managers. The server's rules decide who may do them. */
export class Management {
  readonly #options: ManageOptions
  readonly #base: string
  constructor(options: ManageOptions) {
    this.#options = options
    const { origin, pathname } = new URL(options.url.replace(/^ws/, 'http'))
    this.#base = origin + pathname.replace(/\/sync\/?$/, '')
  }

  /** What would come of it if somebody else looked after accounts; their open tasks and deals go along. */
  previewHandOver(whose: Whose, wanted: HandOver): Promise<Preview> { return this.#ask('hand-over/preview', { ...whose, ...wanted }) }
  /** Hands accounts over as it was shown. */
  handOver(act: Act, wanted: HandOver): Promise<Done> { return this.#ask('hand-over', { ...marked(act), ...wanted }) }

  /** What would come of it if another account replaced these. */
  previewMerge(accounts: string[], into: string): Promise<Preview> { return this.#ask('merge/preview', { accounts, into }) }
  /** Puts accounts together as it was shown. */
  merge(act: Act, into: string): Promise<Done> { return this.#ask('merge', { ...marked(act), into }) }

  /** What would come of it if accounts that others replace stood for themselves again. */
  previewUnmerge(accounts: string[]): Promise<Preview> { return this.#ask('unmerge/preview', { accounts }) }
  /** Takes accounts apart as it was shown. */
  unmerge(act: Act): Promise<Done> { return this.#ask('unmerge', marked(act)) }

  /** Refused work of the user and of those who report to them, the newest first. */
  refused(): Promise<{ refused: RefusedWork[]; more: boolean }> { return this.#ask('refused', null) }

  async #ask<T>(path: string, body: object | null): Promise<T> {
    const token = await this.#options.token()
    const said = await fetch(`${this.#base}/api/${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(this.#options.patienceMs ?? 60_000),
    }).catch(() => null)
    const answer: unknown = said && /json/.test(said.headers.get('content-type') ?? '') ? await said.json().catch(() => null) : null
    if (!said || !answer) throw new ManageError('unreachable', 'the server gave no answer; try again once there is a network')
    if (said.ok) return answer as T
    const { code, sentence, policy = null, refused = [], retry_after_ms: ms = null } = answer as { code: string; sentence: string; policy?: string | null; refused?: Refusal[]; retry_after_ms?: number | null }
    throw new ManageError(code, sentence, policy, refused, ms)
  }
}

const marked = ({ request, preview }: Act) => ({ request, accounts: preview.accounts.map(({ id, fingerprint }) => ({ id, fingerprint })) })

/** Opens the door for managers. */
export const manage = (options: ManageOptions): Management => new Management(options)
