// What the fields of records are, as the declarations say; read only by the screens that show any field.
import declared from '../../../../docs/fields.json'

export interface Part {
  name: string
  type: string
  words?: string[]
  server_only?: boolean
}

export interface Field {
  name: string
  type: string
  rule: string
  columns: string[]
  words?: string[]
  of?: string
  max?: number
  parts?: Part[]
  required?: boolean
  server_only?: boolean
}

export interface Kind {
  name: string
  table: string
  fields: Field[]
}

const kinds = new Map((declared.kinds as unknown as Kind[]).map((kind) => [kind.name, kind]))

export const kindOf = (name: string): Kind | undefined => kinds.get(name)
/** Kinds whose records are edited here. */
export const documentKinds = (): Kind[] => (declared.kinds as unknown as (Kind & { document: boolean })[]).filter((kind) => kind.document)

/** A field by its name, or by the name of a column that follows from it, such as `stage`. */
export function fieldOf(kind: string, name: string): Field | undefined {
  const fields = kindOf(kind)?.fields ?? []
  const [plain = ''] = name.split('.')
  return fields.find((field) => field.name === plain) ?? fields.find((field) => field.columns.includes(plain))
}

/** What a record is called in lists, as SQL. */
const TITLES: Record<string, string> = {
  organization: 'name', contact: 'full_name', opportunity: 'name', task: 'title', interaction: 'coalesce(subject, interaction_type)',
  organization_finance: "'Finance'",
}
export const titleSql = (kind: string): string => TITLES[kind] ?? 'id'

const PLACES: Record<string, string> = { organization: '/accounts/', contact: '/contacts/', opportunity: '/deals/', task: '/tasks/', interaction: '/visits/' }
/** The screen that shows a record. */
export const placeOf = (kind: string, id: string): string | undefined => (PLACES[kind] ? PLACES[kind] + id : undefined)
