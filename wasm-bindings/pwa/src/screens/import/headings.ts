// What a column is, by its heading as other programs write it.
import type { Row } from './table'

/** Where a column's cells go: a field, a part of one, `custom` for a field under the column's own heading, or nowhere. */
export const TARGETS = [
  'name', 'street', 'city', 'state', 'postal_code', 'country', 'phones', 'emails', 'website', 'priority_level', 'organization_type', 'cuisine',
  'industry_segment', 'notes', 'tags', 'lat', 'lng', 'custom', '',
] as const
export type Target = (typeof TARGETS)[number]

const KNOWN: Partial<Record<Target, string>> = {
  name: 'name|company|company name|account|account name|organization|organisation|organization name|business name|customer|customer name|customer full name|dba|dba name|doing business as name|restaurant|firma|kunde|nombre|empresa|cuenta|razon social|nom|societe',
  street: 'street|street address|street address 1|street address 2|address|address 1|address 2|address line 1|address line 2|billing street|billing address|bill address|building|calle|direccion|adresse|strasse|straße|rue',
  city: 'city|town|billing city|mailing city|address 1 city|boro|borough|ciudad|ort|stadt|ville',
  state: 'state|state region|state province|province|region|billing state|billing state province|estado|provincia|bundesland',
  postal_code: 'zip|zip code|zipcode|postal code|postcode|zip postal code|billing zip|billing zip postal code|billing code|codigo postal|cp|plz|code postal',
  country: 'country|country region|billing country|pais|land|pays',
  phones: 'phone|phone number|phone numbers|phones|telephone|telephone number|main phone|business phone|work phone|mobile|mobile phone|mobile phone number|cell|cell phone|telefono|celular|movil|telefon|tel|telephone',
  emails: 'email|emails|e mail|email address|e mail address|primary email|mail|correo|correo electronico',
  website: 'website|web site|website url|web page|url|homepage|sitio web|pagina web|webseite',
  priority_level: 'priority|priority level|class|klasse|rating|prioridad',
  organization_type: 'type|account type|organization type|relationship type|tipo|typ',
  cuisine: 'cuisine|cuisine description|cocina|kuche',
  industry_segment: 'segment|industry|industry segment|facility type|business type|segmento|sector',
  notes: 'notes|note|description|memo|comment|comments|remarks|notas|comentarios|bemerkung|bemerkungen',
  tags: 'tags|tag|labels|categories|etiquetas',
  lat: 'lat|latitude|latitud',
  lng: 'lng|lon|long|longitude|longitud',
}

/** Headings are compared without case, marks over letters, and signs between words. */
const plain = (heading: string) => heading.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim()
const byHeading = new Map(Object.entries(KNOWN).flatMap(([target, words]) => words.split('|').map((word) => [plain(word), target as Target] as const)))

export const targetOf = (heading: string): Target | null => byHeading.get(plain(heading)) ?? null

/** Targets that several columns may share: their cells are put together. */
export const SHARED = new Set<Target>(['street', 'phones', 'emails', 'notes', 'tags', 'custom', ''])

/** The row of headings: the first that names at least two known things; else the first. */
export function headingRow(rows: Row[]): number {
  const found = rows.slice(0, 15).findIndex(({ cells }) => cells.filter((cell) => targetOf(cell)).length >= 2)
  return Math.max(0, found)
}

/** What each column becomes, as far as its heading says: of two that say the same, the first. */
export function guess(headings: string[]): Target[] {
  const taken = new Set<Target>()
  return headings.map((heading) => {
    const target = targetOf(heading)
    if (!target || (taken.has(target) && !SHARED.has(target))) return ''
    taken.add(target)
    return target
  })
}
