// What the user does to a record, each said with a way back.
import { replica } from './session'
import { problem, said } from './toasts'

type Set = Record<string, unknown>

/** Does something; whether it was done. Why it was not is said. */
export async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act()
    return true
  } catch (error) {
    problem(error)
    return false
  }
}

/** Changes a record; `before` leads back. */
export const change = (id: string, set: Set, before: Set, text: string): Promise<boolean> =>
  attempt(async () => {
    await replica().update(id, set)
    said(text, () => replica().update(id, before))
  })

/** Deletes a record; it comes back by Undo. */
export const remove = (id: string, text: string): Promise<boolean> =>
  attempt(async () => {
    await replica().delete(id)
    said(text, () => replica().restore(id))
  })
