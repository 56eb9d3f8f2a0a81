// Figures that several reports need: by currency, by week, by month.
import { money, shortMoney } from '../../format/amount'
import { locale } from '../../words'

interface Priced { currency: string | null }

/** The currencies of some rows, the one of most of the value first; currencies are never added up. */
export function currencies<Row extends Priced>(rows: Row[], of: (row: Row) => number | null): { currency: string; sum: number }[] {
  const sums = new Map<string, number>()
  for (const row of rows) if (row.currency) sums.set(row.currency, (sums.get(row.currency) ?? 0) + (of(row) ?? 0))
  return [...sums].map(([currency, sum]) => ({ currency, sum })).sort((a, b) => b.sum - a.sum)
}

/** "$12.3K, €400". */
export const amounts = (all: { currency: string; sum: number }[]): string => all.map(({ currency, sum }) => shortMoney(sum, currency)).join(', ')
export const amount = (minor: number | null, currency: string | null): string => money(minor, currency)

export function sumBy<Row>(rows: Row[], key: (row: Row) => string, value: (row: Row) => number | null): Map<string, number> {
  const sums = new Map<string, number>()
  for (const row of rows) sums.set(key(row), (sums.get(key(row)) ?? 0) + (value(row) ?? 0))
  return sums
}

/** The ISO week of a day, such as 2026-W48. */
export function isoWeek(day: Date): string {
  const thursday = new Date(Date.UTC(day.getFullYear(), day.getMonth(), day.getDate()))
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7))
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  return `${thursday.getUTCFullYear()}-W${String(Math.ceil(((thursday.getTime() - first) / 86_400_000 + 1) / 7)).padStart(2, '0')}`
}

/** The last weeks up to this one, each with the Monday on which it begins. */
export function lastWeeks(count: number): { week: string; monday: Date }[] {
  const now = new Date()
  const monday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - ((now.getDay() + 6) % 7))
  return Array.from({ length: count }, (_, n) => {
    const at = new Date(monday.getFullYear(), monday.getMonth(), monday.getDate() - 7 * (count - 1 - n))
    return { week: isoWeek(at), monday: at }
  })
}

export const shortDay = (date: Date): string => new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short' }).format(date)
/** This month and those that follow, such as 2026-11. */
export function nextMonths(count: number): string[] {
  const now = new Date()
  return Array.from({ length: count }, (_, n) => new Date(Date.UTC(now.getFullYear(), now.getMonth() + n, 1)).toISOString().slice(0, 7))
}

/** "Mar", or "Jan 27" where the year is another one. */
export function shortMonth(month: string): string {
  const [year = 0, of = 1] = month.split('-').map(Number)
  const isThisYear = year === new Date().getFullYear()
  return new Intl.DateTimeFormat(locale(), { month: 'short', ...(!isThisYear && { year: '2-digit' }), timeZone: 'UTC' }).format(new Date(Date.UTC(year, of - 1, 1)))
}
