// Addresses of people and places as links. What stands in a record is text of anybody's making: it becomes the
// part of a link that it is meant for, and never another one.

/** A mail to an address and to nobody else: "?", "&" and "," in it begin no headers and no second address. */
export const mailTo = (address: string): string => `mailto:${address.trim().split('@').map(encodeURIComponent).join('@')}`

/** The digits of a number, without what a telephone would take for a service code. */
const dialled = (number: string) => {
  // An extension is dialled by the person, once somebody answers.
  const [main = ''] = number.trim().split(/[;,]|ext|x/i)
  const digits = main.replace(/\D/g, '')
  return (main.startsWith('+') ? '+' : '') + digits
}
export const callTo = (number: string): string => `tel:${dialled(number)}`
export const textTo = (number: string): string => `sms:${dialled(number)}`

/** The way to a place, by where it lies, else by its address. */
export function wayTo(lat: number | null | undefined, lng: number | null | undefined, address: string | null | undefined): string | null {
  if (Number.isFinite(lat) && Number.isFinite(lng)) return `geo:${lat},${lng}?q=${lat},${lng}`
  return address ? `geo:0,0?q=${encodeURIComponent(address)}` : null
}

/** A web site as a link: of the web alone, and without a name before the host that looks like another host. */
export function siteOf(text: string | null | undefined): string | null {
  const plain = text?.trim()
  if (!plain) return null
  try {
    // "example.com:8080" is a host with a port, "javascript:…" is none.
    const url = new URL(/^[a-z][a-z\d+.-]*:(?!\d+(\/|$))/i.test(plain) ? plain : `https://${plain}`)
    const isWeb = (url.protocol === 'http:' || url.protocol === 'https:') && !url.username && !url.password
    return isWeb ? url.href : null
  } catch {
    return null
  }
}
