// A closing's reason is kept as "word" or "word: what was typed"; the word is one of ours where a sheet wrote it.
import { LOST_REASONS } from './dealRows'

export function reasonParts(reason: string | null): { word: string | null; text: string } {
  const [head = '', ...tail] = (reason ?? '').split(': ')
  const isOurs = (LOST_REASONS as readonly string[]).includes(head)
  return isOurs ? { word: head, text: tail.join(': ') } : { word: null, text: reason ?? '' }
}
