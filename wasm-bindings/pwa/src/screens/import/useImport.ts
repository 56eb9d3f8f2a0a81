// A chosen file: what is said of it, what becomes of its columns, and what would come of it.
import { openImport, type ImportFile, type ImportOptions, type ImportOutcome, type ImportPlan } from '@kitchen-pantry/sync/import'
import { reactive, ref, shallowRef, watch } from 'vue'
import { me, replica } from '../../data/session'
import { problem } from '../../data/toasts'

/** More than anybody types, and little enough to be held at once. */
const MOST_BYTES = 20_000_000
/** Where a column goes that is not taken. */
export const NOWHERE = ''

/** What a person says; an empty text is found out. */
export interface Said {
  kind: string
  encoding: string
  delimiter: string
  days: '' | 'dmy' | 'mdy'
  matching: string
  onMatch: 'skip' | 'update' | 'create'
  createAccounts: boolean
  takeAlike: boolean
  /** Whether columns that nothing is known of are kept as custom fields. */
  keepRest: boolean
  decimal: '' | 'point' | 'comma'
  currency: string
  headingLine: string
  /** What words of the file mean. */
  words: Meant[]
}

/** A word of the file in a column of this field, and what is meant. */
export interface Meant {
  field: string
  said: string
  meant: string
}
const nothingSaid = (): Said => ({
  kind: '', encoding: '', delimiter: '', days: '', matching: '', onMatch: 'skip', createAccounts: false, takeAlike: false, keepRest: false, decimal: '', currency: '',
  headingLine: '', words: [],
})

class Superseded extends Error {}

export function useImport() {
  const name = ref('')
  const said = reactive(nothingSaid())
  /** Where each column goes, once somebody chose for one of them. */
  const targets = ref<string[] | null>(null)
  const file = shallowRef<ImportFile | null>(null)
  const plan = shallowRef<ImportPlan | null>(null)
  /** What would come of it; null while that is found out. */
  const preview = shallowRef<ImportOutcome | null>(null)
  let turn = 0

  function options(): ImportOptions {
    const { kind, encoding, delimiter, days, decimal, currency, onMatch, createAccounts, takeAlike, keepRest, words } = said
    const headingLine = Number.parseInt(said.headingLine) || 0
    // A field that no column goes to any more finds nothing.
    const matching = targets.value && !targets.value.includes(said.matching) ? '' : said.matching
    const given = { kind, encoding, delimiter, days, decimal, currency, headingLine, matching }
    const told = Object.fromEntries(Object.entries(given).filter(([, value]) => value)) as ImportOptions
    // Who may begin what is a rule of the office; to ask first spares a rep a hundred refusals.
    return { ...told, ...columns(), onMatch, createAccounts, words, rest: keepRest ? 'custom' : 'leave', onAlike: takeAlike ? 'take' : 'leave', prospectsOnly: me.value?.role === 'sales_rep' }
  }

  function columns(): ImportOptions {
    if (!targets.value) return {}
    const byTarget = new Map<string, string[]>()
    const leaveOut: string[] = []
    targets.value.forEach((target, n) => {
      if (target === NOWHERE) leaveOut.push(`#${n + 1}`)
      else byTarget.set(target, [...(byTarget.get(target) ?? []), `#${n + 1}`])
    })
    return { map: [...byTarget], leaveOut }
  }

  /** What its columns are may be known to nobody; then a person says where they go. */
  function planned(now: ImportFile): ImportPlan {
    try {
      return now.plan(options())
    } catch (error) {
      if (said.kind) throw error
      return now.plan({ ...options(), kind: 'organization' })
    }
  }

  /** Looks at the file anew, and tries out what would come of it. */
  async function look(): Promise<void> {
    const mine = ++turn
    const now = file.value
    if (!now) return
    preview.value = null
    try {
      plan.value = planned(now)
      const outcome = await now.preview(() => {
        if (mine !== turn) throw new Superseded()
      })
      if (mine === turn) preview.value = outcome
    } catch (error) {
      if (!(error instanceof Superseded)) problem(error)
    }
  }

  async function open(chosen: File, tooLarge: string): Promise<void> {
    if (chosen.size > MOST_BYTES) return problem(new Error(tooLarge))
    const opened = await openImport(replica(), chosen)
    close()
    Object.assign(said, nothingSaid())
    name.value = chosen.name
    file.value = opened
    await look()
  }

  function close(): void {
    turn++
    file.value?.close()
    file.value = plan.value = preview.value = targets.value = null
    name.value = ''
  }

  /** Another kind, encoding or separator makes other columns of the file. */
  watch(() => [said.kind, said.encoding, said.delimiter, said.headingLine], () => {
    targets.value = null
    said.matching = ''
    said.words = []
  }, { flush: 'sync' })
  watch([said, targets], () => void look())

  /** Writes it; `told` hears how many rows are done. */
  async function run(told: (rows: number) => void): Promise<ImportOutcome> {
    const now = file.value
    if (!now) throw new Error('BUG: nothing is open that could be imported')
    turn++
    return now.run({ told })
  }

  return { name, said, targets, file, plan, preview, open, close, run }
}
