// The kinds of records and their fields, as docs/fields.json lists them.
import { readFileSync } from 'node:fs'

const listing = new URL('../../../../docs/fields.json', import.meta.url)
const { kinds, currencies } = JSON.parse(readFileSync(listing, 'utf8'))

export { currencies }

const CONTAINERS = { long_text: 'text', set: 'map', log: 'map', map: 'map' }

/** The kind of a name; undefined for one of a newer app. */
export const kindOf = (name) => kinds.find((kind) => kind.name === name)
export const documentKinds = kinds.filter((kind) => kind.document)
export const isContainer = (field) => field.type in CONTAINERS

/** What the genesis change of a kind makes, in its order: by name. */
export function containersOf(kind) {
  const first = kind.fields.filter((field) => isContainer(field) && !field.step)
  const made = first.map(({ name, type }) => ({ name, type: CONTAINERS[type] }))
  return made.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
}
