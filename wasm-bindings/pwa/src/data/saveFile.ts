/** Gives the user a file. */
export function saveFile(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  // The download has begun by then; browsers give no word of it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
