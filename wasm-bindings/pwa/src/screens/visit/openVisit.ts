// The visit that the user is at: checked in today or yesterday, and not checked out.
import { computed } from 'vue'
import { useRows } from '../../data/live'
import { myId } from '../../data/session'

export interface OpenVisit {
  id: string
  organization_id: string
  name: string
  check_in_at_ms: number
}

const A_DAY_MS = 86_400_000

export function useOpenVisit() {
  const { rows, ready } = useRows<OpenVisit>(() => ({
    sql: `SELECT i.id, i.organization_id, o.name, i.check_in_at_ms
      FROM interactions i JOIN organizations o ON o.id = i.organization_id
      WHERE i.user_id = ? AND i.is_deleted IS NOT TRUE AND i.check_in_at_ms > ? AND i.check_out_at_ms IS NULL
        AND i.status NOT IN ('completed', 'cancelled', 'no_show')
      ORDER BY i.check_in_at_ms DESC LIMIT 1`,
    params: [myId(), Date.now() - A_DAY_MS],
  }))
  return { visit: computed(() => rows.value[0] ?? null), ready }
}
