/**
 * Records of a food-service CRM that can be read and edited without a network: SQLite in the browser's own
 * file system, in a worker, merged with a server whenever there is one.
 *
 * @packageDocumentation
 */
export type { Collection, ListOptions, Readable } from './collection.js'
export * from './records.js'
export { PantryError, type ErrorCode } from './errors.js'
export type { Difference, Status } from './messages.js'
export {
  Replica, openReplica, type OpenOptions, type Rows, type Edit, type Conflict, type ContestedValue, type Refused,
  type FieldChange, type HistoryEntry, type Undone,
} from './replica.js'
