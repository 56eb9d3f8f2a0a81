// A chosen file, read: its rows, what its columns become, and what comes of them.
import { computed, ref, shallowRef, watch } from 'vue'
import { me } from '../../data/session'
import { problem } from '../../data/toasts'
import { alike, type Alike } from './alike'
import { guess, headingRow, type Target } from './headings'
import { plan } from './plan'
import { guessSeparator, split, type Separator } from './table'
import { decode, guessEncoding, type Encoding } from './text'

/** More than anybody types, and little enough to be held at once. */
const MOST_BYTES = 20_000_000

export function useFile() {
  const name = ref('')
  const bytes = shallowRef<Uint8Array | null>(null)
  const encoding = ref<Encoding>('utf-8')
  const separator = ref<Separator>(',')
  const targets = ref<Target[]>([])
  const likes = shallowRef(new Map<number, Alike>())

  async function read(file: File, tooLarge: string): Promise<void> {
    if (file.size > MOST_BYTES) return problem(new Error(tooLarge))
    const found = new Uint8Array(await file.arrayBuffer())
    encoding.value = guessEncoding(found)
    separator.value = guessSeparator(decode(found, encoding.value))
    name.value = file.name
    bytes.value = found
  }

  const text = computed(() => (bytes.value ? decode(bytes.value, encoding.value) : ''))
  const all = computed(() => split(text.value, separator.value))
  const begins = computed(() => headingRow(all.value))
  /** Rows above the headings: titles and the like. */
  const above = computed(() => all.value.slice(0, begins.value))
  const headings = computed(() => all.value[begins.value]?.cells ?? [])
  const rows = computed(() => all.value.slice(begins.value + 1))
  watch(headings, (now) => (targets.value = guess(now)), { immediate: true })

  // Who may begin what is a rule of the office; to ask first spares a rep a hundred refusals.
  const planned = computed(() => plan(rows.value, headings.value, targets.value, me.value?.role === 'sales_rep'))
  watch(planned, async ({ accounts }) => {
    const found = await alike(accounts).catch((error) => (problem(error), new Map<number, Alike>()))
    if (planned.value.accounts === accounts) likes.value = found
  }, { immediate: true })

  const hasName = computed(() => targets.value.includes('name'))
  const sample = (column: number) => rows.value.map(({ cells }) => cells[column]).find(Boolean) ?? ''
  const clear = () => {
    bytes.value = null
    name.value = ''
  }
  return { name, bytes, encoding, separator, targets, headings, rows, above, planned, likes, hasName, sample, read, clear }
}
