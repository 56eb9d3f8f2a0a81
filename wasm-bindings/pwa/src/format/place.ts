// Where things are, and how far apart.
import { locale } from '../words'

export interface Place {
  lat: number
  lng: number
}

const EARTH_M = 6_371_000
const radians = (degrees: number) => (degrees * Math.PI) / 180

/** Metres between two places, along the ground. */
export function metres(a: Place, b: Place): number {
  const [lat, lng] = [radians(b.lat - a.lat), radians(b.lng - a.lng)]
  const h = Math.sin(lat / 2) ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(lng / 2) ** 2
  return 2 * EARTH_M * Math.asin(Math.sqrt(h))
}

const MILES = new Set(['US', 'GB', 'LR', 'MM'])
/** A distance in the units of the user's country. */
export function distance(of: number): string {
  const region = new Intl.Locale(locale()).region ?? (locale() === 'en' ? 'US' : '')
  const [value, unit] = MILES.has(region)
    ? of < 160 ? [of * 3.281, 'foot'] : [of / 1609.34, 'mile']
    : of < 1000 ? [of, 'meter'] : [of / 1000, 'kilometer']
  const digits = value < 10 && unit !== 'foot' && unit !== 'meter' ? 1 : 0
  return new Intl.NumberFormat(locale(), { style: 'unit', unit, maximumFractionDigits: digits }).format(value)
}

/** Where the device is; null when it does not say within the time that an act may take. */
export function here(withinMs = 4000): Promise<(Place & { accuracy_m: number }) | null> {
  return new Promise((resolve) => {
    if (!('geolocation' in navigator)) return resolve(null)
    const late = setTimeout(() => resolve(null), withinMs)
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        clearTimeout(late)
        resolve({ lat: coords.latitude, lng: coords.longitude, accuracy_m: Math.round(coords.accuracy) })
      },
      () => {
        clearTimeout(late)
        resolve(null)
      },
      { maximumAge: 60_000, timeout: withinMs, enableHighAccuracy: false },
    )
  })
}
