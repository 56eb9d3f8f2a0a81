// Telephone numbers, so that one can read them out.

/** "+15855550142" as "+1 585 555 0142". Others stay as they were written: each country groups its own way. */
export function phoneText(number: string): string {
  const north = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number.trim())
  return north ? `+1 ${north.slice(1).join(' ')}` : number
}
