/** Why a call failed: `code` is a word for programs, `message` a sentence for people. */
export type ErrorCode =
  | 'bad_call' | 'bad_edit' | 'bad_query' | 'bad_file' | 'unknown_record' | 'unknown_edit' | 'nothing_to_do'
  | 'server_kind' | 'too_large' | 'other_version' | 'replaced' | 'damaged' | 'too_new' | 'no_user' | 'wrong_user' | 'foreign'
  | 'storage' | 'storage_full' | 'storage_busy' | 'no_storage' | 'no_server' | 'no_token'
  | 'no_engine' | 'incomplete' | 'unsent' | 'erased' | 'closed' | 'crashed'

/** What every call of the package fails with. */
export class PantryError extends Error {
  override name = 'PantryError'
  constructor(
    /** A word for programs. */
    readonly code: ErrorCode,
    /** A sentence for people. */
    message: string,
  ) {
    super(message)
  }
}

/** An error as it crosses a worker's border. */
export interface Failure { code: ErrorCode; message: string }

export function failureOf(error: unknown): Failure {
  const { code, message } = (error ?? {}) as Partial<Failure>
  // What a browser throws has a number for a code, if any.
  return { code: typeof code === 'string' ? code : 'crashed', message: message ?? String(error) }
}

export const asError = ({ code, message }: Failure): PantryError => new PantryError(code, message)
