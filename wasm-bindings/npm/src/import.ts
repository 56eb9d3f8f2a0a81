/**
 * Records from a table in a file, as another program or a person wrote it: what `pantry import` does, in a page.
 * The reader is a module of its own, which is loaded when a file is opened.
 *
 * @packageDocumentation
 */
import init, { ImportFile as Reader } from './engine/import.js'
import { PantryError, failureOf } from './errors.js'
import { newId } from './ids.js'
import type { Rows } from './answers.js'
import type { Replica } from './replica.js'
import { zoneNamed, type Zone } from './zone.js'

/** What is said of a file; what is not said is found out, and told in the plan. */
export interface ImportOptions {
  /** The kind of the records, such as `organization`. */
  kind?: string
  /** `utf-8`, `utf-16le`, `utf-16be` or `windows-1252`. */
  encoding?: string
  /** What parts the cells. */
  delimiter?: string
  /** The line of the heading, from 1. */
  headingLine?: number
  /** Fields with their columns, by name or by number as `#3`; they overrule what is guessed. */
  map?: [field: string, columns: string[]][]
  /** Columns that are not taken, by name or by number as `#3`. */
  leaveOut?: string[]
  /** Which comes first in 3/11/2026: the day or the month. */
  days?: 'dmy' | 'mdy'
  /** What stands before decimals. */
  decimal?: 'point' | 'comma'
  /** The currency of amounts that name none, such as `USD`. */
  currency?: string
  /** Whether accounts that rows name and that are not there are created. */
  createAccounts?: boolean
  /** What becomes of columns that nothing is known of: left out, or custom fields. */
  rest?: 'leave' | 'custom'
  /** The field by which records that are there already are found, such as `source_id`, `name` or `emails`. */
  matching?: string
  /** What becomes of a row whose record is there. */
  onMatch?: 'skip' | 'update' | 'create'
  /** What becomes of a row whose account is probably there already, by telephone number or by name and city. */
  onAlike?: 'take' | 'leave'
  /** Whether accounts begin as prospects, whatever the file says: the rules refuse others of who is no manager. */
  prospectsOnly?: boolean
  /** Words of the file, and what they mean. */
  words?: { field: string; said: string; meant: string }[]
}

/** A column of the file, and what becomes of it. */
export interface ImportColumn {
  /** What it is called; `#3` where it has no name. */
  heading: string
  /** Where it goes; null when it is not taken. */
  field: string | null
  /** Why it is not taken: it says who the `owner` is, which managers say; it is of an account's `finance`, which are
   *  records of their own; it is `computed` here; it is the other program's `history`; it has `no_name`; another column
   *  goes there (`twice`); it was `said`; nothing is known of it (`unknown`). */
  whyNot: 'owner' | 'finance' | 'computed' | 'history' | 'no_name' | 'twice' | 'said' | 'unknown' | null
  /** How many cells are not empty. */
  filled: number
  /** Three of its cells. */
  samples: string[]
}

/** Something that must be said before anything is written. */
export type ImportAsk = { code: 'days'; column: string; samples: string }

/** What is to become of a file. */
export interface ImportPlan {
  kind: string
  kindGuessed: boolean
  /** Where columns may go; `custom_fields.NAME` beside them. */
  fields: string[]
  encoding: string
  delimiter: string
  headingLine: number
  /** Lines above the heading that are left out. */
  above: number[]
  /** Rows below the table that are left out, such as sums. */
  below: { line: number; text: string }[]
  /** Rows of the table. */
  rows: number
  columns: ImportColumn[]
  days: 'dmy' | 'mdy' | null
  decimal: 'point' | 'comma'
  matching: string | null
  asks: ImportAsk[]
  /** What tells the file from others. */
  file: { source: string; kind: string; digest: string }
}

/** Something that is said of a row. */
export interface ImportRemark {
  line: number
  /** The column, where it is about one. */
  column: string
  cell: string
  /** What is said, in English. */
  reason: string
  /** What is lost. */
  lost: 'nothing' | 'cell' | 'row'
  /** The option by which it would be taken. */
  hint: 'create_accounts' | 'take_both' | 'take_alike' | null
}

/** A row whose account is probably there already. */
export interface ImportAlike {
  line: number
  name: string
  /** The account that it is like; null for a row further up. */
  id: string | null
  other: string
  by: 'phone' | 'name'
}

/** What came of a file, or would. */
export interface ImportOutcome {
  /** The batch, by which it is undone; null when nothing was written. */
  import: string | null
  rows: number
  created: number
  changed: number
  /** Rows whose record was there, or that were taken in before. */
  there: number
  leftOut: number
  cellsLost: number
  /** Accounts that began because rows name them. */
  accounts: string[]
  alike: ImportAlike[]
  remarks: ImportRemark[]
  /** The first records, as values by field. */
  examples: Record<string, unknown>[]
}

/** A batch of records that came from one file. */
export interface ImportBatch {
  id: string
  source: string
  kind: string
  /** In milliseconds since 1970. */
  begunAt: number
  state: 'begun' | 'ended' | 'undone'
  created: number
  changed: number
}

/** What undoing an import came to. */
export interface ImportUndone {
  deleted: number
  restored: number
  /** Records that stay, since somebody worked on them after the import. */
  kept: string[]
}

/** What the reader wants next. */
type Step =
  | { read: string[] } | { taken: string[] } | { compare: { id: string; edit: unknown } } | { write: unknown[] }
  | { judged: number } | { done: true }

/** Rows that are judged before the page is let go on. */
const ROWS_AT_ONCE = 100
/** Failures that are an edit's own: the others are made without it. */
const OF_THE_EDIT = ['bad_edit', 'too_large', 'unknown_record', 'server_kind']

let loaded: Promise<unknown> | null = null

/** Opens a file that is to be imported. */
export async function openImport(replica: Replica, file: { name: string; bytes: Uint8Array } | File, options: { wasm?: string | URL | BufferSource } = {}): Promise<ImportFile> {
  const wasm = options.wasm ?? new URL('./import.wasm', import.meta.url)
  loaded ??= init({ module_or_path: wasm })
  await loaded.catch((error: Error) => {
    loaded = null
    throw new PantryError('no_engine', `the reader of files could not be loaded (${error.message}); reload the page`)
  })
  const bytes = 'bytes' in file && file.bytes instanceof Uint8Array ? file.bytes : new Uint8Array(await (file as File).arrayBuffer())
  // Times of day are those of the clocks here, unless this device was told of other ones.
  const zone = ((await replica.call('zone', {})) as string | null) ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  return new ImportFile(replica, new Reader(file.name, bytes), zoneNamed(zone))
}

/** The imports of this device, the newest first. */
export const imports = (replica: Replica): Promise<ImportBatch[]> => replica.call('imports', {}) as Promise<ImportBatch[]>

/** Takes an import back: what began with it is deleted, and what it changed says again what it said before. Records
 *  on which somebody worked since stay. Null when there is no such import that stands. */
export const undoImport = (replica: Replica, id: string): Promise<ImportUndone | null> =>
  replica.call('import_undo', { import: id }) as Promise<ImportUndone | null>

/** A file that is to be imported. */
export class ImportFile {
  #plan: ImportPlan | null = null
  #report = ''

  /** @internal */
  constructor(private readonly replica: Replica, private readonly reader: Reader, private readonly zone: Zone | null) {}

  /** Looks at the file with what is said of it, and says what would become of every column. Fails with code
   *  `bad_file` when it is no table, or what is said does not fit it. */
  plan(options: ImportOptions = {}): ImportPlan {
    try {
      this.#plan = JSON.parse(this.reader.plan(JSON.stringify({ ...options, zone: this.zone }))) as ImportPlan
    } catch (error) {
      throw new PantryError('bad_file', failureOf(error).message)
    }
    return this.#plan
  }

  /** What would come of the plan that was made last. Nothing is written. */
  async preview(told: (rows: number) => void = () => {}): Promise<ImportOutcome> {
    return this.#carryOut(new Writer(this.replica, this.#planned()), false, told)
  }

  /** Carries out the plan that was made last. A file that was imported goes on where that stopped, and makes nothing
   *  twice. Fails with code `bad_call` while something must be said first, and with `incomplete` while not all of the
   *  user's records have come, unless `intoIncomplete`. */
  async run(options: { told?: (rows: number) => void; intoIncomplete?: boolean } = {}): Promise<ImportOutcome> {
    const plan = this.#planned()
    if (plan.asks.length) throw new PantryError('bad_call', `it must be said first how days are written in ${plan.asks.map(({ column }) => column).join(', ')}`)
    if (this.replica.status?.incomplete && !options.intoIncomplete) {
      throw new PantryError('incomplete', 'not all records have come to this device; what is missing here would be created a second time')
    }
    const writer = new Writer(this.replica, plan)
    const outcome = await this.#carryOut(writer, true, options.told ?? (() => {}))
    return { ...outcome, import: await writer.end() }
  }

  /** What was not taken of the last preview or run, as CSV that a spreadsheet opens. */
  report(): string { return this.#report }

  /** Gives the memory of the file free. */
  close(): void { this.reader.free() }

  #planned(): ImportPlan {
    return this.#plan ?? this.plan()
  }

  async #carryOut(writer: Writer, write: boolean, told: (rows: number) => void): Promise<ImportOutcome> {
    const run = this.reader.run(write, Date.now())
    try {
      for (;;) {
        const step = JSON.parse(run.step(newId, ROWS_AT_ONCE)) as Step
        if ('done' in step) break
        if ('judged' in step) {
          told(step.judged)
          await pause()
        } else run.answer(JSON.stringify(await writer.answer(step)))
      }
      this.#report = run.report()
      return { import: null, ...(JSON.parse(run.outcome()) as Omit<ImportOutcome, 'import'>) }
    } finally {
      run.free()
    }
  }
}

/** Lets the page do what waits. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

/** Answers what a run wants of the records, and writes its rows. */
class Writer {
  #import: string | null = null
  /** How far the imports of this device had come when what is there was read. */
  #mark: number | null = null

  constructor(private readonly replica: Replica, private readonly plan: ImportPlan) {}

  async answer(step: Exclude<Step, { judged: number } | { done: true }>): Promise<unknown> {
    if ('read' in step) {
      // Before anything is read that rows are judged by.
      this.#mark = (await this.replica.call('import_mark', {})) as number
      const tables: Rows[] = []
      for (const sql of step.read) tables.push(await this.replica.query(sql))
      return { rows: tables.map(({ rows }) => rows) }
    }
    if ('taken' in step) return { taken: await this.replica.call('import_taken', { digests: step.taken }) }
    if ('compare' in step) return { news: await this.replica.call('import_compare', step.compare) }
    return { written: await this.#write(step.write) }
  }

  async #write(rows: unknown[]): Promise<unknown> {
    this.#import ??= (await this.replica.call('import_begin', this.plan.file)) as string
    try {
      const done = (await this.replica.call('import_rows', { import: this.#import, mark: this.#mark, rows })) as { taken: number } | { overtaken: true }
      if ('overtaken' in done) return 'overtaken'
      this.#mark = done.taken
      return 'taken'
    } catch (error) {
      const { code, message } = failureOf(error)
      if (rows.length > 1 && code !== 'closed' && code !== 'crashed' || OF_THE_EDIT.includes(code)) return { refused: message }
      throw error
    }
  }

  /** Notes the end of the import, also of one that was stopped before with all but that done. */
  async end(): Promise<string | null> {
    this.#import ??= (await this.replica.call('import_unfinished', this.plan.file)) as string | null
    if (this.#import) await this.replica.call('import_end', { import: this.#import })
    return this.#import
  }
}
