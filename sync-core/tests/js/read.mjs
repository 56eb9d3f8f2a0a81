// Prints a saved document as JSON: `node read.mjs FILE`.
import { readFileSync } from 'node:fs'
import * as Automerge from '@automerge/automerge'

const doc = Automerge.load(new Uint8Array(readFileSync(process.argv[2])))
const conflicts = Automerge.getConflicts(doc, 'website') ?? {}
console.log(JSON.stringify({ doc, websites: Object.values(conflicts).sort() }))
