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
