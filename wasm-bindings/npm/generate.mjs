// Writes the typed records of the package from the declarations as docs/fields.json has them.
import { readFileSync, writeFileSync } from 'node:fs'

const { kinds } = JSON.parse(readFileSync(new URL('../../docs/fields.json', import.meta.url)))
const pascal = (name) => name.split('_').map((part) => part[0].toUpperCase() + part.slice(1)).join('')
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())
const doc = (text, indent = '') => (text ? `${indent}/** ${text.replaceAll('*/', '* /')} */\n` : '')
const words = (of) => of.map((word) => `'${word}'`).join(' | ')

const columnTypes = {
  text: 'string', int: 'number', number: 'number', bool: 'boolean', day: 'string', moment: 'string', id: 'string',
  texts: 'string[]', ids: 'string[]', map: 'Record<string, string>',
}
const values = {
  text: () => 'string', choice: ({ words: of }) => words(of), int: () => 'number', number: () => 'number', bool: () => 'boolean',
  day: () => 'string', moment: () => 'string | number', id: () => 'string', currency: () => 'string', word: ({ words: of }) => words(of),
  parts: ({ parts }) => `{ ${parts.map((part) => `${part.name}?: ${values[part.type](part)} | null`).join('; ')} }`,
}
const event = ({ parts }) => `{ ${parts.filter((part) => !part.server_only).map((part) => `${part.name}${part.required ? '' : '?'}: ${values[part.type](part)}`).join('; ')} }`

/** The lines by which a field is written; none for what only a server writes. */
function written(field) {
  if (field.server_only) return []
  const { name } = field
  const given = field.required && !field.now && !field.author
  if (field.type === 'long_text') return [[`${name}?`, 'string', field.doc]]
  if (field.type === 'set') return [[`${name}?`, 'SetEdit', field.doc]]
  if (field.type === 'map') return [[`${name}?`, 'Record<string, string | null>', field.doc]]
  if (field.type === 'log') {
    const own = field.typed.filter((typed) => !typed.startsWith('is_')).map((typed) => [`${typed}?`, `string | boolean | ${event(field)}`, field.doc])
    return own
  }
  // What is written once is left out until there is something to say, and never cleared.
  const cleared = given || field.rule === 'Once' ? '' : ' | null'
  return [[given ? name : `${name}?`, `${values[field.type](field)}${cleared}`, field.doc]]
}

/** Columns of one value say what their field says. */
const docOf = (kind, column) => kind.fields.find((field) => field.columns.length === 1 && field.columns[0] === column)?.doc

/** A choice is one of its words, or null for what a newer app wrote. */
const wordsOf = (kind, column) => kind.fields.find((field) => field.type === 'choice' && field.columns[0] === column)?.words

const parts = kinds.map((kind) => {
  const name = pascal(kind.name)
  const typeOf = (column, n) => (wordsOf(kind, column) ? words(wordsOf(kind, column)) : columnTypes[kind.column_types[n]])
  const row = kind.columns.map((column, n) => `${doc(docOf(kind, column), '  ')}  ${column}: ${typeOf(column, n)}${column === 'id' ? '' : ' | null'}`)
  const out = [`${doc(kind.doc)}export interface ${name} {\n${row.join('\n')}\n}\n`]
  if (kind.document) {
    const lines = kind.fields.flatMap(written)
    const fixed = new Set(kind.fields.filter((field) => field.rule === 'Immutable').map((field) => field.name))
    const body = (all) => all.map(([key, type, text]) => `${doc(text, '  ')}  ${key}: ${type}`).join('\n')
    out.push(`/** What a new ${kind.name.replaceAll('_', ' ')} begins with. */\nexport interface New${name} {\n${body(lines)}\n}\n`)
    const later = lines.filter(([key]) => !fixed.has(key.replace('?', ''))).map(([key, type, text]) => [key.endsWith('?') ? key : `${key}?`, type, text])
    out.push(`/** What may change of one. */\nexport interface ${name}Edit {\n${body(later)}\n}\n`)
  }
  return out.join('\n')
})
const documents = kinds.filter((kind) => kind.document)
const collections = kinds.map((kind) => doc(kind.doc, '  ') + (kind.document
  ? `  readonly ${camel(kind.table)}: Collection<${pascal(kind.name)}, New${pascal(kind.name)}, ${pascal(kind.name)}Edit>`
  : `  readonly ${camel(kind.table)}: Readable<${pascal(kind.name)}>`))
const edits = documents.map((kind) => `${doc(kind.doc, '  ')}  readonly ${camel(kind.table)}: TransactionCollection<New${pascal(kind.name)}, ${pascal(kind.name)}Edit>`)
const maps = [...new Set(kinds.flatMap((kind) => kind.fields.filter((field) => field.type === 'map').map((field) => field.name)))]

writeFileSync(new URL('src/records.ts', import.meta.url), `// Written by generate.mjs from docs/fields.json, which is written from the declarations.
import type { Collection, Readable } from './collection.js'
import type { TransactionCollection } from './transaction.js'

/** A set: all that it is to hold of what is shown, or what to add and to remove. */
export type SetEdit = string[] | { add?: string[]; remove?: string[] }

${parts.join('\n')}
/** The records by kind. */
export interface Collections {
${collections.join('\n')}
}

/** The edits of a transaction by kind. */
export interface Edits {
${edits.join('\n')}
}

/** Fields that hold values by name. */
export const MAPS: readonly string[] = [${words(maps).replaceAll(' | ', ', ')}]

/** The kinds by the names of their collections. */
export const KINDS = {
${kinds.map((kind) => `  ${camel(kind.table)}: '${kind.name}',`).join('\n')}
} as const

/** Names of the kinds that are edited here; the others are the server's. */
export type DocumentKind = ${words(documents.map((kind) => kind.name))}
`)
