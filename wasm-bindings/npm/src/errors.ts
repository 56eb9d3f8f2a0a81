/** Why a call failed: `code` is a word for programs, `message` a sentence for people. */
export type ErrorCode =
  | 'bad_call' | 'bad_edit' | 'bad_query' | 'unknown_record' | 'unknown_edit' | 'nothing_to_do'
  | 'server_kind' | 'too_large' | 'other_version' | 'replaced' | 'foreign' | 'damaged' | 'too_new' | 'no_user' | 'wrong_user'
  | 'storage' | 'storage_full' | 'storage_busy' | 'no_server' | 'no_token' | 'closed' | 'crashed'

export class PantryError extends Error {
  override name = 'PantryError'
  constructor(readonly code: ErrorCode, message: string) {
    super(message)
  }
}

/** An error as it crosses a worker's border. */
export interface Failure { code: ErrorCode; message: string }

export function failureOf(error: unknown): Failure {
  const { code, message } = (error ?? {}) as Partial<Failure>
  return { code: code ?? 'crashed', message: message ?? String(error) }
}
