// Deals as the pipeline shows them, and the stages that they go through.
import type { Query } from '../../data/live'

export const OPEN_STAGES = ['prospecting', 'qualification', 'proposal', 'negotiation'] as const
export const CLOSED_STAGES = ['closed-won', 'closed-lost'] as const
export const STAGES = [...OPEN_STAGES, ...CLOSED_STAGES] as const
export type Stage = (typeof STAGES)[number]
export const isClosed = (stage: string | null) => !!stage?.startsWith('closed-')

/** Why deals are lost, by the words that are kept. */
export const LOST_REASONS = ['price', 'competitor', 'timing', 'no_need', 'no_answer'] as const

export interface DealCard {
  id: string
  name: string
  account: string | null
  organization_id: string
  stage: string | null
  minor: number | null
  currency: string | null
  close: string | null
  conflict_count: number
  stage_disputed: number | null
}

const SHOWN = `d.is_deleted IS NOT TRUE AND o.is_deleted IS NOT TRUE AND (coalesce(d.stage NOT IN ('closed-won', 'closed-lost'), true) OR d.actual_close_date >= ?)`

/** The most urgent deals of each stage; closed ones since a day. */
export const deals = (since: string, whose: string | null, most: number): Query => ({
  sql: `SELECT * FROM (
      SELECT d.id, d.name, o.name AS account, d.organization_id, d.stage, d.estimated_value_minor AS minor, d.estimated_value_currency AS currency,
        coalesce(d.actual_close_date, d.estimated_close_date) AS close, d.conflict_count, d.stage_disputed,
        row_number() OVER (PARTITION BY d.stage ORDER BY CASE WHEN d.stage IN ('closed-won', 'closed-lost') THEN NULL ELSE d.estimated_close_date END NULLS LAST, d.actual_close_date DESC, d.id) AS place
      FROM opportunities d JOIN organizations o ON o.id = d.organization_id WHERE ${SHOWN} ${whose ? 'AND d.user_id = ?' : ''}
    ) WHERE place <= ${most} ORDER BY place, id`,
  params: whose ? [since, whose] : [since],
})

export interface StageSum {
  stage: string | null
  currency: string | null
  minor: number | null
  n: number
}

export const sums = (since: string, whose: string | null): Query => ({
  sql: `SELECT d.stage, d.estimated_value_currency AS currency, sum(d.estimated_value_minor) AS minor, count(*) AS n
    FROM opportunities d JOIN organizations o ON o.id = d.organization_id WHERE ${SHOWN} ${whose ? 'AND d.user_id = ?' : ''} GROUP BY 1, 2 ORDER BY 3 DESC NULLS LAST`,
  params: whose ? [since, whose] : [since],
})
