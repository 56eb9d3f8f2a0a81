// Words of records in the user's language.
import { useI18n } from 'vue-i18n'

/** Says a word of a record as its catalogue has it. A record may have any text there, and text is shown as it is: it
 *  is no message, in which braces and bars would mean something. */
export function useWord() {
  const { t, tm } = useI18n()
  return (catalogue: string, word: string | null | undefined): string => {
    if (word == null) return ''
    const known = tm(catalogue) as unknown
    return isText(known, word) ? t(`${catalogue}.${word}`) : word
  }
}

const isText = (known: unknown, word: string): boolean => typeof known === 'object' && known !== null && Object.hasOwn(known, word) && typeof (known as Record<string, unknown>)[word] === 'string'
