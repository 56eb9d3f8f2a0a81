// Money and numbers as people write them where the user is.
import { locale } from '../words'

const formats = new Map<string, Intl.NumberFormat>()

/** `least` is how many digits stand behind the decimal sign at least; the currency's own number unless given. */
function format(currency: string, least?: number): Intl.NumberFormat {
  const key = `${locale()} ${currency} ${least ?? ''}`
  const known = formats.get(key)
  if (known) return known
  const made = new Intl.NumberFormat(locale(), { style: 'currency', currency, currencyDisplay: 'narrowSymbol', minimumFractionDigits: least })
  formats.set(key, made)
  return made
}

/** How many digits of its minor unit a currency has: 2 for USD, none for JPY, 3 for KWD. */
export const digits = (currency: string): number => format(currency).resolvedOptions().maximumFractionDigits ?? 2

/** Minor units as money: 12345 USD is $123.45, and 12300 is $123. */
export function money(minor: number | null | undefined, currency: string | null | undefined): string {
  if (minor == null) return ''
  if (!currency) return number(minor / 100)
  const unit = 10 ** digits(currency)
  return format(currency, minor % unit === 0 ? 0 : undefined).format(minor / unit)
}

/** Money without its small change, where there is little room. */
export function shortMoney(minor: number | null | undefined, currency: string | null | undefined, most = 1): string {
  if (minor == null || !currency) return money(minor, currency)
  return new Intl.NumberFormat(locale(), {
    style: 'currency', currency, currencyDisplay: 'narrowSymbol', notation: 'compact', minimumFractionDigits: 0, maximumFractionDigits: most,
  }).format(minor / 10 ** digits(currency))
}

/** Currencies that are offered; another one that a record has stays. */
export const CURRENCIES = ['USD', 'EUR', 'GBP', 'CAD', 'MXN', 'CHF', 'AUD', 'JPY'] as const

/** An amount as one types it: digits with the decimal sign of the place, without the currency's. */
export function typedMoney(minor: number, currency: string): string {
  const most = digits(currency)
  const least = minor % 10 ** most === 0 ? 0 : most
  return new Intl.NumberFormat(locale(), { minimumFractionDigits: least, maximumFractionDigits: most, useGrouping: false }).format(minor / 10 ** most)
}

/** What a person typed as minor units; null when it is no amount, or finer than the currency is. */
export function minorUnits(text: string, currency: string): number | null {
  const decimal = new Intl.NumberFormat(locale()).formatToParts(1.5).find((part) => part.type === 'decimal')?.value ?? '.'
  const [whole = '', fraction = '', ...more] = text.trim().split(decimal)
  const most = digits(currency)
  // Signs between digits are those of thousands and nothing else: "12,5" is no 125.
  const isWhole = /^(\d+|\d{1,3}([.,'’\s]\d{3})+)$/.test(whole)
  if (!isWhole || more.length || !new RegExp(`^\\d{0,${most}}$`).test(fraction)) return null
  return Number(whole.replace(/\D/g, '') + fraction.padEnd(most, '0'))
}

export const number = (value: number | null | undefined): string =>
  value == null ? '' : new Intl.NumberFormat(locale()).format(value)

export const percent = (value: number | null | undefined): string =>
  value == null ? '' : new Intl.NumberFormat(locale(), { style: 'percent' }).format(value / 100)

/** An amount of data: "3.8 MB". */
export function bytes(of: number): string {
  const [value, unit] = of < 1e6 ? [of / 1e3, 'kilobyte'] : of < 1e9 ? [of / 1e6, 'megabyte'] : [of / 1e9, 'gigabyte']
  return new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 }).format(value)
}
