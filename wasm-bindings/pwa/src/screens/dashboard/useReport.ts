// The engine's reports, with the columns that docs/REPORTS.md gives them; made again when anything came or was saved.
import { onScopeDispose, shallowRef, watch } from 'vue'
import type { Live } from '../../data/live'
import { replica, status } from '../../data/session'

export interface Pipeline { territory: string; stage: string; currency: string | null; deals: number; value_minor: number | null; weighted_minor: number | null; contested: number }
export interface Activity { rep: string; week: string | null; type: string; interactions: number }
export interface Overdue { id: string; title: string; due_date: string; days_overdue: number; assignee: string | null; organization: string | null }
export interface NotVisited { id: string; name: string; rep: string | null; last_visit_at: string | null }
export interface Forecast { month: string; currency: string | null; deals: number; weighted_minor: number | null; weighted_cases_per_week: number | null }
export interface Trust { reps: number; reps_synced_24h: number | null; reps_never_synced: number | null; oldest_sync: string | null; open_conflicts: number; open_violations: number }
export interface WinRate { rep: string; quarter: string; currency: string | null; won: number; lost: number; won_minor: number | null; lost_minor: number | null }
export interface Coverage { rep: string; priority: string; target_days: number; accounts: number; visited: number }
export interface Rep { id: string; rep: string | null; accounts: number; a_accounts: number; a_seen: number; visits: number; overdue: number; open_deals: number }
interface Reports { win_rate: WinRate; coverage: Coverage; reps: Rep; pipeline: Pipeline; activity: Activity; overdue_follow_ups: Overdue; priority_a_not_visited: NotVisited; forecast: Forecast; trust: Trust }

/** While records come in, a report is made again this often. */
const PAUSE_MS = 1500

export function useReport<Name extends keyof Reports>(name: Name): Live<Reports[Name]> {
  const rows = shallowRef<Reports[Name][]>([])
  const ready = shallowRef(false)
  const error = shallowRef<string | null>(null)
  let later: ReturnType<typeof setTimeout> | undefined

  async function make() {
    try {
      const table = await replica().report(name)
      rows.value = table.rows.map((row) => Object.fromEntries(table.columns.map((column, n) => [column, row[n]])) as unknown as Reports[Name])
      error.value = null
      ready.value = true
    } catch (failed) {
      error.value = failed instanceof Error ? failed.message : String(failed)
    }
  }
  void make()
  watch(() => [status.value?.records, status.value?.unsent, status.value?.lastSync, status.value?.refused], () => {
    clearTimeout(later)
    later = setTimeout(() => void make(), PAUSE_MS)
  })
  onScopeDispose(() => clearTimeout(later))
  return { rows, ready, error }
}
