// Every language says everything, with the same gaps to fill.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const folder = new URL('../src/words/', import.meta.url)
const flat = (of, path = '') => Object.entries(of).flatMap(([key, value]) => (typeof value === 'string' ? [[path + key, value]] : flat(value, `${path}${key}.`)))
const catalogue = (name) => new Map(flat(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))))
const gaps = (text) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()
const english = catalogue('en.json')

for (const name of readdirSync(folder).filter((file) => file.endsWith('.json') && file !== 'en.json')) {
  test(`${name} has what en.json has`, () => {
    const other = catalogue(name)
    assert.deepEqual([...other.keys()].sort(), [...english.keys()].sort())
    for (const [key, text] of english) {
      assert.ok(other.get(key).trim(), key)
      assert.deepEqual(gaps(other.get(key)), gaps(text), key)
      assert.equal(other.get(key).split(' | ').length, text.split(' | ').length, `forms of ${key}`)
    }
  })
}

test('no text of a record is read as a message', () => {
  const sources = readdirSync(new URL('../src/', import.meta.url), { recursive: true }).filter((file) => /\.(vue|ts)$/.test(file))
  for (const file of sources) {
    const source = readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')
    // A text as what is said when there is no such word, and a word straight out of a row.
    assert.doesNotMatch(source, /\bt\(`(outcome|stage|status|type|kind|role)\.\$\{[^}]*\}`, (?!\{|\w*[cC]ount|\d)/, file)
    assert.doesNotMatch(source, /\bt\(`[\w.]+\.\$\{(of|one|row|visit|deal|person|task)\.\w+/, file)
  }
})
