// Money, days, distances and texts as people of different places read and type them.
import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { end, load, reads } from './load.mjs'

process.env.TZ = 'America/New_York'
const amount = await load('/src/format/amount.ts')
const time = await load('/src/format/time.ts')
const place = await load('/src/format/place.ts')
const reach = await load('/src/format/reach.ts')
const { shownText } = await load('/src/format/shown.ts')
const { phoneText } = await load('/src/format/phone.ts')
beforeEach(() => reads('en-US'))
after(end)
/** Spaces of every width as plain ones. */
const plain = (text) => text.replace(/\s/g, ' ')

test('money has as many decimals as its currency, and none where they say nothing', () => {
  assert.equal(amount.money(12345, 'USD'), '$123.45')
  assert.equal(amount.money(12300, 'USD'), '$123')
  assert.equal(amount.money(12300, 'JPY'), '¥12,300')
  assert.equal(plain(amount.money(12345, 'KWD')), 'KWD 12.345')
  assert.equal(amount.money(null, 'USD'), '')
  reads('es-ES')
  assert.equal(plain(amount.money(123456, 'EUR')), '1234,56 €')
})

test('money is short where there is little room', () => {
  assert.equal(amount.shortMoney(5319600, 'USD'), '$53.2K')
  assert.equal(amount.shortMoney(5319600, 'USD', 0), '$53K')
  assert.equal(amount.shortMoney(5319600, 'JPY'), '¥5.3M')
})

test('an amount is typed as people write it there', () => {
  for (const [typed, minor] of [['12', 1200], ['12.5', 1250], ['12.50', 1250], ['1,234.5', 123450], ['1 234', 123400], ['1234.', 123400], ['0.07', 7], ['19.99', 1999], ['1.005', null], ['12,5', null], ['1.2.3', null], ['-3', null], ['twelve', null], ['', null]]) {
    assert.equal(amount.minorUnits(typed, 'USD'), minor, typed)
  }
  assert.equal(amount.minorUnits('12300', 'JPY'), 12300)
  assert.equal(amount.minorUnits('12.5', 'JPY'), null)
  assert.equal(amount.minorUnits('12.345', 'KWD'), 12345)
  reads('es-ES')
  assert.equal(amount.minorUnits('1.234,5', 'EUR'), 123450)
  assert.equal(amount.minorUnits('12.5', 'EUR'), null)
})

test('what stands in the field of an amount is read back as the same amount', () => {
  for (const tag of ['en-US', 'es-ES', 'es-MX']) {
    reads(tag)
    for (const [minor, currency] of [[0, 'USD'], [7, 'USD'], [1250, 'EUR'], [123456789, 'USD'], [12300, 'JPY'], [12345, 'KWD']]) {
      assert.equal(amount.minorUnits(amount.typedMoney(minor, currency), currency), minor, `${minor} ${currency} ${tag}`)
    }
  }
})

test('days are said by the calendar of the place, also around midnight and when clocks are changed', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: new Date('2026-11-28T03:30:00Z') })
  assert.equal(time.today(), '2026-11-27')
  assert.equal(time.dayOf('2026-11-28T04:59:00Z'), '2026-11-27')
  assert.equal(time.dayOf('2026-11-28T05:00:00Z'), '2026-11-28')
  assert.equal(time.away('2026-11-28'), 'tomorrow')
  assert.equal(time.away('2026-11-20'), '7 days ago')
  assert.equal(time.away('2026-10-16'), '6 weeks ago')
  assert.equal(time.day('2026-12-03'), 'Thu, Dec 3')
  assert.equal(time.day('2027-01-13'), 'Wed, Jan 13, 2027')
  assert.equal(plain(time.moment('2026-11-27T15:42:00Z')), '10:42 AM')
  // Summer time ended on the first of November: the days before it began an hour earlier by UTC.
  assert.equal(time.midnight(), '2026-11-27T05:00:00.000Z')
  assert.equal(time.midnight(-30), '2026-10-28T04:00:00.000Z')
})

test('distances are in the units of the country', () => {
  const way = place.metres({ lat: 42.6526, lng: -73.7562 }, { lat: 42.6626, lng: -73.7562 })
  assert.ok(Math.abs(way - 1112) < 2, String(way))
  assert.equal(place.distance(way), '0.7 mi')
  assert.equal(place.distance(50), '164 ft')
  reads('es-ES')
  assert.equal(plain(place.distance(way)), '1,1 km')
  assert.equal(plain(place.distance(50)), '50 m')
})

test('a number of North America is grouped, any other stays as it was written', () => {
  assert.equal(phoneText('+15855550142'), '+1 585 555 0142')
  for (const other of ['+4930123456', '(585) 555-0142', 'ext. 12']) assert.equal(phoneText(other), other)
})

test('no day and no moment is too old, too far or too wrong to be shown', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: new Date('2026-11-28T03:30:00Z') })
  assert.equal(time.dayOf('0999-07-01T16:00:00Z'), '0999-07-01')
  assert.equal(plain(time.moment('0999-07-01T16:56:02Z')), 'Mon, Jul 1, 999, 12:00 PM')
  assert.equal(time.away('0001-06-01T12:00:00Z'), '2,027 years ago')
  assert.equal(time.away('0001-06-01'), '2,027 years ago')
  assert.equal(time.day('0001-06-01'), 'Fri, Jun 1, 1')
  for (const wrong of ['+012026-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', 'someday', '2026-13-45', '{}', '999999999999999999', 8.7e15]) {
    for (const say of [time.moment, time.dayOf, time.clock, (at) => time.day(String(at)), (at) => time.away(String(at))]) assert.equal(typeof say(wrong), 'string', String(wrong))
  }
  assert.equal(time.day('someday'), 'someday')
})

test('what stands in a record is the part of a link that it is meant for, and no other', () => {
  assert.equal(reach.mailTo('boss@food.example?bcc=spy@evil.example&body=hi'), 'mailto:boss@food.example%3Fbcc%3Dspy@evil.example%26body%3Dhi')
  assert.equal(reach.mailTo('a@b.example,c@d.example'), 'mailto:a@b.example%2Cc@d.example')
  assert.equal(reach.mailTo('rosa+pantry@example.com'), 'mailto:rosa%2Bpantry@example.com')
  assert.equal(reach.callTo('+1 (585) 555-0142'), 'tel:+15855550142')
  assert.equal(reach.callTo('*#06#'), 'tel:06')
  assert.equal(reach.callTo('+15855550142;phone-context=evil'), 'tel:+15855550142')
  assert.equal(reach.textTo('+15855550142?body=yes'), 'sms:+15855550142')
  assert.equal(reach.wayTo(42.5, -73.5, 'x'), 'geo:42.5,-73.5?q=42.5,-73.5')
  assert.equal(reach.wayTo('1?q=evil', 2, '1 Main St & Co'), 'geo:0,0?q=1%20Main%20St%20%26%20Co')
  for (const [text, link] of [['casaluna.example/menu', 'https://casaluna.example/menu'], ['http://casaluna.example', 'http://casaluna.example/'], ['casaluna.example:8080', 'https://casaluna.example:8080/'], ['javascript:alert(1)', null], ['JAVASCRIPT:alert(1)', null], ['data:text/html,x', null], ['mailto:a@b.example', null], ['https://bank.example@evil.example/', null], ['not a site', null], ['', null]]) {
    assert.equal(reach.siteOf(text), link, text)
  }
})

test('a text shows what is stored, and turns nothing that stands beside it', () => {
  assert.equal(shownText('Pizza \u202Etxt.exe'), 'Pizza \\u{202e}txt.exe')
  assert.equal(shownText('a\u2067b\u2069c\u202Dd\u202Be\u202C'), 'a\\u{2067}bc\\u{202d}d\\u{202b}e')
  assert.equal(shownText('\u202A+1 585 555 0142\u202C'), '+1 585 555 0142', 'as telephones copy it')
  assert.equal(shownText('10\u200F-\u200F20'), '10-20')
  assert.equal(shownText('Taverna Zoë · 3 days ago'), 'Taverna Zoë · 3 days ago')
  assert.equal(shownText('שלום · 3 days ago'), '\u2068שלום\u2069 · 3 days ago')
  assert.equal(shownText('Done: שלום עולם 12'), 'Done: \u2068שלום עולם\u2069 12')
})
