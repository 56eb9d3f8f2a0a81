// Where a database is in the browser's own file system, and how it is taken out of it.

const ROOT = 'kitchen-pantry'
const nameOf = (name: string) => encodeURIComponent(name)

/** The folder of a database. */
export const folderOf = (name: string): string => `${ROOT}/${nameOf(name)}`
/** A file that says that a folder is being erased: a worker that dies meanwhile leaves none of it in use. */
const markOf = (name: string) => `${nameOf(name)}.erasing`

/** A file that takes up room until that is needed. */
export const reserveOf = (name: string): string => `${nameOf(name)}.reserve`

export const root = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, { create: true })

/** The names of all databases; none where there is no file system. */
export async function names(): Promise<string[]> {
  const found: string[] = []
  try {
    for await (const [name, one] of (await root()).entries()) if (one.kind === 'directory') found.push(decodeURIComponent(name))
  } catch {
    // Whoever opens a database says better what is the matter.
  }
  return found
}

/** From here on the folder counts as erased. */
export async function erasing(name: string): Promise<void> {
  await (await root()).getFileHandle(markOf(name), { create: true })
}

/** Takes the folder away, and then what says so. */
export async function remove(name: string): Promise<void> {
  const folder = await root()
  for (const one of [nameOf(name), reserveOf(name), markOf(name)]) {
    await folder.removeEntry(one, { recursive: true }).catch((error: DOMException) => {
      if (error.name !== 'NotFoundError') throw error
    })
  }
}

/** Ends what a worker that died had begun. */
export async function finishErasing(name: string): Promise<void> {
  let folder
  try {
    folder = await root()
  } catch {
    // Whoever opens the database says better what is the matter.
    return
  }
  const isMarked = await folder.getFileHandle(markOf(name)).then(() => true, () => false)
  if (isMarked) await remove(name)
}

/** Whether the folder is still there: a person may clear what a site keeps while it is open. */
export async function isThere(name: string): Promise<boolean> {
  try {
    const all = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT)
    await all.getDirectoryHandle(nameOf(name))
    return true
  } catch (error) {
    return (error as DOMException).name !== 'NotFoundError'
  }
}
