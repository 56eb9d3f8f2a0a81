// Days, moments and spans as people read them.
import { getLocalTimeZone, parseDate, today as todayIn, type CalendarDate } from '@internationalized/date'
import { locale } from '../words'

const DAY_MS = 86_400_000

/** The day it is here, such as 2026-11-27. */
export const today = (): string => todayIn(getLocalTimeZone()).toString()
export const plusDays = (day: string, days: number): string => parseDate(day).add({ days }).toString()
const asDate = (day: CalendarDate) => day.toDate('UTC')
/** A moment that there is; none where a record says something else. */
function momentOf(at: string | number): Date | null {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? null : date
}
function dateOf(text: string): CalendarDate | null {
  try {
    return parseDate(text.slice(0, 10))
  } catch {
    return null
  }
}

/** A day in words: "Thu, 3 Dec". The year is there when it is another one. What is no day is shown as it is. */
export function day(text: string | null | undefined): string {
  if (!text) return ''
  const date = dateOf(text)
  if (!date) return text
  const year = date.year === todayIn(getLocalTimeZone()).year ? undefined : ('numeric' as const)
  return new Intl.DateTimeFormat(locale(), { weekday: 'short', day: 'numeric', month: 'short', year, timeZone: 'UTC' }).format(asDate(date))
}

/** The time of a moment: "10:42". */
export function clock(at: string | number | null | undefined): string {
  const date = at == null ? null : momentOf(at)
  return date ? new Intl.DateTimeFormat(locale(), { hour: 'numeric', minute: '2-digit' }).format(date) : ''
}

const PLAIN_DAY = /^\d{4}-\d{2}-\d{2}$/
/** The day of a moment, here. A plain day is itself everywhere: read as a moment it would be the day before west of Greenwich. */
export function dayOf(at: string | number): string {
  if (typeof at === 'string' && PLAIN_DAY.test(at)) return at
  const date = momentOf(at)
  if (!date) return String(at)
  const digits = (n: number, many = 2) => String(n).padStart(many, '0')
  return `${digits(date.getFullYear(), 4)}-${digits(date.getMonth() + 1)}-${digits(date.getDate())}`
}

/** How long ago or ahead: "3 days ago", "tomorrow". */
export function away(text: string | null | undefined): string {
  if (!text) return ''
  const days = Math.round((Date.parse(dayOf(text)) - Date.parse(today())) / DAY_MS)
  if (Number.isNaN(days)) return text
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' })
  if (Math.abs(days) < 14) return format.format(days, 'day')
  if (Math.abs(days) < 60) return format.format(Math.round(days / 7), 'week')
  if (Math.abs(days) < 700) return format.format(Math.round(days / 30.4), 'month')
  return format.format(Math.round(days / 365), 'year')
}

/** A moment in words: "10:42" today, else "Tue 10:42". */
export function moment(at: string | number | null | undefined): string {
  if (at == null) return ''
  if (dayOf(at) === today()) return clock(at)
  return [day(dayOf(at)), clock(at)].filter(Boolean).join(', ')
}

/** When the local day began that is so many days from today. */
export function midnight(days = 0): string {
  return parseDate(plusDays(today(), days)).toDate(getLocalTimeZone()).toISOString()
}
