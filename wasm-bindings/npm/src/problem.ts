/** Something that keeps a replica from working as it should, as long as it lasts. */
export interface Problem {
  /**
   * `busy`: the files are in use, perhaps by a window that is just closing; it is tried again.
   * `owner_silent`: another window has the records and does not answer, perhaps because it is frozen.
   * `newer_version`: a newer version of the app is open; this page is to be reloaded.
   * `storage_full`: there is no room: edits are refused, reading and sending go on.
   * `wiped`: the browser deleted the records under the open page; this page is to be reloaded.
   */
  code: 'busy' | 'owner_silent' | 'newer_version' | 'storage_full' | 'wiped'
  /** What it is and what to do, in a sentence for people. */
  message: string
}

export const SILENT: Problem = {
  code: 'owner_silent',
  message: 'another window of this app has the records and does not answer: bring it to the front, or close it; what you do here waits until then',
}
export const NEWER: Problem = {
  code: 'newer_version',
  message: 'a newer version of this app is open in another window: reload this page',
}
export const FULL: Problem = {
  code: 'storage_full',
  message: 'this device has no room for more: edits are refused until there is; what is here can be read and is still sent',
}
export const WIPED: Problem = {
  code: 'wiped',
  message: 'the browser deleted the records that it kept for this app: reload the page to fetch them again',
}
