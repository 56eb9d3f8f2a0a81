// Texts as they are shown. Some signs that are not seen themselves turn what stands beside them, so that a name
// shows as something other than it is: what is shown has none of them, and what is edited stays as it is.

/** Signs that turn what follows them: they are written out. */
const TURNING = /[\u202B\u202D\u202E\u2067]/g
/** Signs that hold a text together where it turns; without the others they do nothing. */
const HOLDING = /[\u202A\u202C\u2066\u2068\u2069]/g
/** Marks that are of use beside letters written from right to left, and only there. */
const MARKS = /[\u200E\u200F\u061C]/g
const RIGHT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u
const RUN = new RegExp(`${RIGHT.source}(?:[\\p{L}\\p{M}\\s'"״׳-]*${RIGHT.source})?`, 'gu')
const BETWEEN = ' · '
const alone = (text: string) => `\u2068${text}\u2069`
const written = (sign: string) => `\\u{${sign.codePointAt(0)?.toString(16)}}`

/** A text as it is shown: it says what is stored, and turns nothing that stands beside it. */
export function shownText(text: string): string {
  const plain = text.replace(TURNING, written).replace(HOLDING, '')
  if (!RIGHT.test(plain)) return plain.replace(MARKS, '')
  // Each part of a line goes its own way, and so do words amid others.
  return plain.split(BETWEEN).map(part).join(BETWEEN)
}

function part(text: string): string {
  const [first = ''] = /\p{L}/u.exec(text) ?? []
  return RIGHT.test(first) ? alone(text) : text.replace(RUN, alone)
}

/** What stands in a template, before it becomes a text. */
export const shown = (value: unknown): unknown => (typeof value === 'string' ? shownText(value) : value)
