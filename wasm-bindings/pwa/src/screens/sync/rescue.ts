// The file with what has not reached the office, to be kept outside of the browser.
import { replica } from '../../data/session'

interface Rescuing {
  exportRescue(): Promise<{ file: Blob; edits: number; unreadable: number | null }>
  importRescue(file: Blob): Promise<{ unsent: number; there: number; left: unknown[] }>
}
const able = () => replica() as unknown as Partial<Rescuing>

/** Whether the engine of this build can do it. */
export const canRescue = (): boolean => typeof able().exportRescue === 'function'
export const rescueFile = () => (replica() as unknown as Rescuing).exportRescue()
export async function readBack(file: Blob): Promise<{ unsent: number; left: number }> {
  const { unsent, left } = await (replica() as unknown as Rescuing).importRescue(file)
  return { unsent, left: left.length }
}
