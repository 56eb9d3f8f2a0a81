// Fields and their values in words.
import { useI18n } from 'vue-i18n'
import { money, number } from '../format/amount'
import { clock, day, moment } from '../format/time'
import { useWord } from '../words/useWord'
import { fieldOf, type Field, type Part } from './declared'
import { nameOf } from './names'

type Json = unknown
const isObject = (value: Json): value is Record<string, Json> => typeof value === 'object' && value !== null && !Array.isArray(value)

export function useValues() {
  const { t } = useI18n()
  const said = useWord()

  /** The field's name as people know it. */
  function label(_kind: string, name: string): string {
    const [plain = '', ...entry] = name.split('.')
    if (plain === 'custom_fields') return entry.join('.') || t('fields.custom_fields')
    const known = said('fields', plain)
    return known === plain ? plain.replaceAll('_', ' ') : known
  }

  const word = (field: string, value: string): string => said(WORDS[field] ?? `words.${field}`, value)

  function part(of: Part, value: Json): string {
    if (value == null) return ''
    if (of.type === 'day') return day(String(value))
    if (of.type === 'bool') return t(value ? 'values.yes' : 'values.no')
    if (of.type === 'word' || of.words) return word(of.name, String(value))
    if (of.name === 'at_ms' && typeof value === 'number') return moment(value)
    return typeof value === 'number' ? number(value) : String(value)
  }

  function parts(field: Field, value: Record<string, Json>): string {
    if ('minor' in value) return money(value.minor as number, value.currency as string)
    if (field.type === 'log') return event(field, value)
    if ('lat' in value && value.lat != null) return [value.at_ms ? clock(value.at_ms as number) : '', `${Number(value.lat).toFixed(4)}, ${Number(value.lng).toFixed(4)}`].filter(Boolean).join(' · ')
    return (field.parts ?? []).map((one) => part(one, value[one.name])).filter(Boolean).join(', ')
  }

  /** What somebody wrote into a log: "Won, because …". */
  function event(field: Field, data: Record<string, Json>): string {
    const main = String(data.action ?? data.stage ?? data.status ?? '')
    if (data.action) return said('values.did', main)
    if (main) return [word(data.stage ? 'stage' : 'status', main), data.reason].filter(Boolean).join(', ')
    const ids = (field.parts ?? []).map((one) => (typeof data[one.name] === 'string' ? nameOf(one.name.includes('organization') ? 'organization' : one.name.includes('territory') ? 'territory' : 'user', data[one.name] as string) : null))
    return ids.filter(Boolean).join(', ')
  }

  /** A value of a field in words; nothing is said as such. */
  function show(kind: string, name: string, value: Json): string {
    if (value === null || value === undefined || value === '' || (Array.isArray(value) && !value.length)) return t('values.nothing')
    const field = fieldOf(kind, name)
    const isColumn = field?.name !== name
    if (typeof value === 'boolean') return t(value ? 'values.yes' : 'values.no')
    if (Array.isArray(value)) return value.map((one) => (field?.type === 'set' ? key(field, String(one)) : String(one))).join(', ')
    if (isObject(value)) return field ? parts(field, value) : Object.values(value).join(', ')
    if (!field) return String(value)
    if (isColumn && name.endsWith('_id')) return nameOf(OF_COLUMN[name] ?? 'user', String(value)) ?? t('values.unknown')
    if (isColumn && (name === 'stage' || name === 'status')) return word(name, String(value))
    if (field.type === 'choice') return word(field.name, String(value))
    if (field.name === 'outcome') return word('outcome', String(value))
    if (field.type === 'id' && field.of) return nameOf(field.of, String(value)) ?? t('values.unknown')
    if (field.type === 'day' || name.endsWith('_date')) return day(String(value))
    if (field.type === 'moment' || name.endsWith('_at')) return moment(value as string | number)
    return typeof value === 'number' ? number(value) : String(value)
  }

  function key(field: Field, value: string): string {
    const of = { distributors: 'organization', principals: 'organization', contacts: 'contact', attendees: 'contact' }[field.name]
    return of ? (nameOf(of, value) ?? t('values.unknown')) : value
  }

  return { label, show, word }
}

/** Where the words of a choice are, if not under its own name. */
const WORDS: Record<string, string> = { organization_type: 'kind', interaction_type: 'type', stage: 'stage', status: 'status', outcome: 'outcome', value: 'words.account_status' }
const OF_COLUMN: Record<string, string> = { organization_id: 'organization', territory_id: 'territory' }
