// What a manager has done at the office: it happens there at once, or not at all.
import { manage, ManageError, type Done, type HandOver, type Management, type Preview } from '@kitchen-pantry/sync/manage'
import { config } from './config'
import { bearer } from './session'

let door: Promise<Management> | null = null

/** The door, at the server that the records come from. */
export const office = (): Promise<Management> => (door ??= config().then(({ syncUrl }) => manage({ url: syncUrl, token: bearer })))

/** Whether nothing was heard: there is no signal, or the office does not answer. */
export const isUnreachable = (error: unknown): boolean => error instanceof ManageError && error.code === 'unreachable'
/** Whether something changed since it was shown. */
export const isStale = (error: unknown): boolean => error instanceof ManageError && error.code === 'stale'

/** Gives accounts to somebody, as is looked at once more just before. */
export async function giveBack(accounts: string[], wanted: HandOver): Promise<Done> {
  const desk = await office()
  const preview = await desk.previewHandOver({ accounts }, wanted)
  return desk.handOver({ request: crypto.randomUUID(), preview }, wanted)
}

/** Has an account that another replaces stand for itself again. */
export async function takeApart(account: string): Promise<Done> {
  const desk = await office()
  return desk.unmerge({ request: crypto.randomUUID(), preview: await desk.previewUnmerge([account]) })
}

/** Whether the rules would refuse some of what a preview shows. */
export const refusedOf = (preview: Preview): string | null => preview.accounts.find((one) => one.refused)?.refused?.sentence ?? null
