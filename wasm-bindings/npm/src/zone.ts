// A time zone as this browser knows it: the moments at which its clocks are set.

/** Years whose clocks are known; files of today speak of few others. */
const [FIRST, LAST] = [2000, 2037]

/** Offsets in seconds east of UTC, moments in seconds since 1970. */
export interface Zone { name: string; first: number; changes: [at: number, offset: number][] }

/** The zone of this name; null when the browser does not know it. */
export function zoneNamed(name: string): Zone | null {
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
  } catch {
    return null
  }
  const offset = (at: number): number => {
    const said = format.formatToParts(at * 1000).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const [, sign, hours = 0, minutes = 0, seconds = 0] = /GMT(?:([+-])(\d+):?(\d+)?:?(\d+)?)?/.exec(said) ?? []
    return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds))
  }
  const month = (n: number): number => Date.UTC(FIRST, n) / 1000
  const changes: Zone['changes'] = []
  const first = offset(month(0))
  let before = first
  for (let n = 1; n <= (LAST - FIRST + 1) * 12; n++) {
    const after = offset(month(n))
    if (after === before) continue
    let [low, high] = [month(n - 1), month(n)]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (offset(middle) === before) low = middle
      else high = middle
    }
    changes.push([high, after])
    before = after
  }
  return { name, first, changes }
}
