/**
 * Kitchen Pantry's records in Vue components: live, and gone with the component that shows them.
 *
 * @packageDocumentation
 */
import { getCurrentScope, inject, onScopeDispose, provide, readonly, ref, shallowRef, toValue, watch } from 'vue'
import type { App, InjectionKey, MaybeRefOrGetter, Ref, ShallowRef } from 'vue'
import type { ListOptions, Readable } from './collection.js'
import type { Status } from './messages.js'
import type { Collections } from './records.js'
import type { Replica } from './replica.js'
import { Objects } from './rows.js'

/** Names of the collections, such as `organizations`. */
export type CollectionName = keyof Collections
/** A record of a collection. */
export type RecordOf<K extends CollectionName> = Collections[K] extends Readable<infer Row> ? Row : never

/** What is shown, and whether it is there yet. */
export interface Live<T> {
  /** The newest; undefined until the first has come. */
  data: Readonly<ShallowRef<T | undefined>>
  /** Why it cannot be had; null when it can. What was there stays. */
  error: Readonly<Ref<Error | null>>
  /** Whether the first is still to come. */
  loading: Readonly<Ref<boolean>>
}

type MaybeReplica = Replica | Promise<Replica> | Ref<Replica | null>
const KEY: InjectionKey<ShallowRef<Replica | null>> = Symbol('kitchen-pantry')

/** Gives a replica to all components below, or to an app; one that is still being opened as well. */
export function provideReplica(replica: MaybeReplica, app?: App): Readonly<ShallowRef<Replica | null>> {
  const held = settle(replica)
  app ? app.provide(KEY, held) : provide(KEY, held)
  return held
}

/** The replica that was provided; null until it is open. */
export function useReplica(replica?: MaybeReplica): Readonly<ShallowRef<Replica | null>> {
  if (replica) return settle(replica)
  const held = inject(KEY, null)
  if (!held) throw new Error('no replica was provided: call provideReplica in a component above, or with the app')
  return held
}

function settle(replica: MaybeReplica): ShallowRef<Replica | null> {
  if ('value' in replica) return replica as ShallowRef<Replica | null>
  const held = shallowRef<Replica | null>(null)
  if (replica instanceof Promise) void replica.then((opened) => { held.value = opened }, () => {})
  else held.value = replica
  return held
}

/** The rows of a query as objects, live. A new text or new parameters ask anew; null asks nothing, and there is nothing. */
export function useQuery<Row = Record<string, unknown>>(sql: MaybeRefOrGetter<string | null>, params: MaybeRefOrGetter<readonly unknown[]> = [], replica?: MaybeReplica): Live<Row[]> {
  const asked = () => {
    const text = toValue(sql)
    return text === null ? null : ([text, [...toValue(params)]] as const)
  }
  return live(replica, asked, async function* (of, [text, values], signal) {
    const objects = new Objects<Row>()
    for await (const { columns, rows } of of.watch(text, values, signal)) {
      yield objects.of({ columns, rows })
    }
  })
}

/** The records of a collection, live. */
export function useList<K extends CollectionName>(collection: K, options: MaybeRefOrGetter<ListOptions> = {}, replica?: MaybeReplica): Live<RecordOf<K>[]> {
  return live(replica, () => ({ ...toValue(options) }), (of, given, signal) => records(of, collection).watch(given, signal))
}

/** A record, live; null when it is not on this device, or no id is given. */
export function useRecord<K extends CollectionName>(collection: K, id: MaybeRefOrGetter<string | null | undefined>, replica?: MaybeReplica): Live<RecordOf<K> | null> {
  return live(replica, () => [toValue(id) ?? null] as const, async function* (of, [wanted], signal) {
    if (wanted === null) return yield null
    const filter = `id = '${wanted.replaceAll("'", "''")}'`
    for await (const [record] of records(of, collection).watch({ filter, deleted: true, limit: 1 }, signal)) yield record ?? null
  })
}

/** How the replica stands; null until it was told. */
export function useSyncStatus(replica?: MaybeReplica): Readonly<ShallowRef<Status | null>> {
  const held = useReplica(replica)
  const status = shallowRef<Status | null>(null)
  const stop = watch(held, (of, _, onCleanup) => {
    if (of) onCleanup(of.onStatus((told) => { status.value = told }))
  }, { immediate: true })
  if (getCurrentScope()) onScopeDispose(stop)
  return status
}

const records = <K extends CollectionName>(of: Replica, collection: K) => of[collection] as unknown as Readable<RecordOf<K>>

function live<Asked, T>(replica: MaybeReplica | undefined, asked: () => Asked | null, rows: (of: Replica, asked: Asked, signal: AbortSignal) => AsyncGenerator<T>): Live<T> {
  const held = useReplica(replica)
  const [data, error, loading] = [shallowRef<T>(), ref<Error | null>(null), ref(true)]
  const key = () => JSON.stringify(asked())
  watch([held, key], async ([of], _, onCleanup) => {
    const now = asked()
    if (now === null) data.value = undefined
    loading.value = now !== null
    if (!of || now === null) return
    const ended = new AbortController()
    onCleanup(() => ended.abort())
    try {
      for await (const value of rows(of, now, ended.signal)) {
        if (ended.signal.aborted) return
        data.value = value
        error.value = null
        loading.value = false
      }
    } catch (failure) {
      if (ended.signal.aborted) return
      error.value = failure as Error
      loading.value = false
    }
  }, { immediate: true })
  return { data, error: readonly(error) as Readonly<Ref<Error | null>>, loading: readonly(loading) }
}
