// What a replica is asked with, and what it answers.

/** Rows of a query, with the names of their columns. */
export interface Rows { columns: string[]; rows: unknown[][] }

/** One edit of a group. `set` has a value for each field that changes; see FIELDS.md. */
export type Edit =
  | { create: { kind: string; id?: string; set: Record<string, unknown> } }
  | { update: { id: string; set: Record<string, unknown> } }
  | { delete: { id: string } }
  | { restore: { id: string } }

/** One of the values that a contested field was given. */
export interface ContestedValue {
  /** The value, as edits have it. */
  value: unknown
  /** The id of who gave it. */
  author: string | null
  /** Their name, where this device knows it. */
  name: string | null
  /** When, in milliseconds since 1970, by the clock of whoever wrote it. */
  at: number
}

/** A field of a record that several people gave different values at once. */
export interface Conflict {
  /** The record's kind. */
  kind: string
  /** The record. */
  id: string
  /** Its name or the like. */
  title: string
  /**
   * The field's name; of custom fields `custom_fields.NAME`; `stage` for a deal that was won and lost at once;
   * `is_deleted` for a record that was deleted while somebody else changed it.
   */
  field: string
  /** The value that all of them started from; null when there was none. */
  base: unknown
  /** All values, the shown one first. */
  values: ContestedValue[]
}

/** A field of a record, before and after a change. */
export interface FieldChange {
  /** The field's name; of custom fields `custom_fields.NAME`, of a log the column that followed, such as `stage`. */
  field: string
  /** What it said, null for nothing: a value as edits have it, all keys of a set, a part of a long text. */
  before: unknown
  /** What it says then. */
  after: unknown
}

/** What somebody did to a record. */
export interface HistoryEntry {
  /** The change's name, by which it is undone. */
  hash: string
  /** When it was made, in milliseconds since 1970, by the clock of whoever made it. */
  at: number
  /** The id of who made it. */
  author: string | null
  /** Their name, where this device knows it. */
  name: string | null
  /** Whether the server has it, only this device does, or the server refused it. */
  state: 'accepted' | 'unsent' | 'refused'
  /** Why it was refused. */
  refused: { code: string; policy: string | null; sentence: string } | null
  /** What it did to the record as a whole. */
  did: 'began' | 'changed' | 'deleted' | 'restored'
  /** The fields that it changed. */
  fields: FieldChange[]
}

/** What undoing a change came to. */
export interface Undone {
  /** The edit that did it, which can be undone like any other. */
  hash: string
  /** The fields that say again what they said before. */
  undone: string[]
  /** Those that stay as they are, each with why: somebody changed them since, or nothing leads back. */
  left: { field: string; why: string }[]
}

/** A record that was found. */
export interface SearchHit {
  /** The record. */
  id: string
  /** Its kind. */
  kind: string
  /** Its name or the like. */
  title: string
  /** What tells it from others of that name: the account of what belongs to one, the city of an account; may be empty. */
  subtitle: string
}

/** What is known of an account that is about to be made. */
export interface DuplicateQuery {
  /** Its name. */
  name: string
  /** A telephone number, written in any way. */
  phone?: string
  /** Its postal code. */
  postal_code?: string
  /** Where it stands, in degrees; with `lng`. */
  lat?: number
  /** Where it stands, in degrees; with `lat`. */
  lng?: number
  /** How many are told at most; 10 unless given. */
  most?: number
}

/** An account that may be the same. */
export interface Duplicate extends SearchHit {
  /** How likely: for putting them in order and nothing else. */
  score: number
  /** Whether more than a name that is somewhat alike, or a house next door, speaks for it. */
  likely: boolean
  /** Why it may be the same. */
  why: ('same_phone' | 'same_name' | 'similar_name' | 'same_postal_code' | 'near')[]
  /** How far away it is, where both positions are known. */
  metres: number | null
}

/** A report that can be asked for. */
export interface ReportInfo {
  /** Its name. */
  name: string
  /** What it tells, in a sentence. */
  about: string
}

/** An edit that the server refused, with its reason. */
export interface Refused {
  hash: string
  record: string
  kind: string
  madeAt: number
  code: string
  policy: string | null
  sentence: string
  edit: unknown
}

/** Unsent and refused edits, outside of the database. */
export interface Rescue {
  /** A text file, one line an edit. */
  file: Blob
  /** How many edits are in it. */
  edits: number
  /** How many could not be read; null when nobody can say. */
  unreadable: number | null
}

/** What became of edits that were read back from a rescue file. */
export interface BroughtBack {
  /** Edits that wait to be sent again. */
  unsent: number
  /** Edits that are here already. */
  there: number
  /** Edits that could not be put back, and why not; the file keeps them. */
  left: { record: string; kind: string; reason: string }[]
}

/** What the edits of a rescue file would do. */
export interface RescuePreview extends BroughtBack {
  /** The records that would change: what each would be called, what would become of it (`began`, `changed`, …),
   *  and each field with what it says and what it would say. */
  records: { record: string; kind: string; title: string; did: HistoryEntry['did']; fields: FieldChange[] }[]
}
