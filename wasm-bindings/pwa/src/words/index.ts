import { createI18n } from 'vue-i18n'
import type en from './en.json'

export type Words = typeof en
export const LANGUAGES = { en: 'English', es: 'Español' } as const
export type Language = keyof typeof LANGUAGES

const KEY = 'kitchen-pantry:language'
const load: Record<Language, () => Promise<{ default: Words }>> = {
  en: () => import('./en.json'),
  es: () => import('./es.json'),
}

const isLanguage = (word: string | null | undefined): word is Language => word != null && word in LANGUAGES

/** What the user chose, else the first of their browser's languages that there is. */
export function language(): Language {
  const chosen = localStorage.getItem(KEY)
  if (isLanguage(chosen)) return chosen
  return navigator.languages.map((one) => one.split('-')[0]).find(isLanguage) ?? 'en'
}

/** With what days, numbers and money are written: the browser's own form of the language where it has one. */
export function locale(): string {
  const of = language()
  return navigator.languages.find((one) => one.startsWith(of)) ?? of
}

/** Takes effect with the next start of the app. */
export function choose(chosen: Language): void {
  localStorage.setItem(KEY, chosen)
  location.reload()
}

/** The catalogue of the one language that is used. */
export async function words() {
  const of = language()
  document.documentElement.lang = of
  const { default: messages } = await load[of]()
  return createI18n<[Words], Language>({ legacy: false, locale: of, fallbackLocale: of, messages: { [of]: messages } as Record<Language, Words> })
}
