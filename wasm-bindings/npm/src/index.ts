/**
 * Records of a food-service CRM that can be read and edited without a network: SQLite in the browser's own
 * file system, in a worker, merged with a server whenever there is one.
 *
 * @packageDocumentation
 */
export type {
  BroughtBack, Conflict, ContestedValue, Edit, FieldChange, HistoryEntry, Refused, ReportInfo, SearchHit, Duplicate, DuplicateQuery, Rescue, RescuePreview,
  Rows, Undone,
} from './answers.js'
export type { Collection, ListOptions, Readable } from './collection.js'
export * from './records.js'
export { PantryError, type ErrorCode } from './errors.js'
export { keptReplicas, type KeptReplica } from './kept.js'
export type { Difference, Status } from './messages.js'
export type { Notice } from './notices.js'
export type { Problem } from './problem.js'
export { openReplica, type OpenOptions } from './open.js'
export { Replica } from './replica.js'
export type { StorageState } from './storage.js'
export type { Transaction, TransactionCollection } from './transaction.js'
