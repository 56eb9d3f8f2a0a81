// Moving a deal from stage to stage: at once between open ones, through a sheet when it closes.
import type { Edit } from '@kitchen-pantry/sync'
import { shallowRef } from 'vue'
import { attempt } from '../../data/acts'
import { replica } from '../../data/session'
import { said } from '../../data/toasts'
import { isClosed } from './dealRows'

/** What a move needs to know of a deal. */
export interface Movable {
  id: string
  name: string
  stage: string | null
  minor: number | null
  currency: string | null
}
export interface Closing {
  deal: Movable
  stage: 'closed-won' | 'closed-lost'
}
export interface Closed {
  reason: string | null
  close_date: string
  value: { minor: number; currency: string } | null
}

/** The deal that was last moved by its menu: its tile takes the focus along to where it appears. */
export const carried = shallowRef<string | null>(null)
/** The deal that is about to be closed, while its sheet is open. */
export const closing = shallowRef<Closing | null>(null)

/** Moves a deal, or asks first how it ended. */
export async function move(deal: Movable, stage: string, text: string): Promise<void> {
  if (stage === deal.stage) return
  if (stage === 'closed-won' || stage === 'closed-lost') return void (closing.value = { deal, stage })
  await attempt(async () => {
    await replica().update(deal.id, { stage })
    said(text, () => replica().update(deal.id, { stage: deal.stage ?? 'prospecting' }))
  })
}

/** Closes a deal, with its value when that turned out another one. */
export const close = ({ deal, stage }: Closing, { reason, close_date, value }: Closed, text: string): Promise<boolean> =>
  attempt(async () => {
    const isOther = value && (value.minor !== deal.minor || value.currency !== deal.currency)
    const set = { stage: { stage, close_date, ...(reason && { reason }) }, ...(isOther && { estimated_value: value }) }
    await replica().commit([{ update: { id: deal.id, set } }] as Edit[])
    const before = isOther ? { estimated_value: deal.minor == null ? null : { minor: deal.minor, currency: deal.currency } } : {}
    const stageBefore = isClosed(deal.stage) ? 'negotiation' : (deal.stage ?? 'prospecting')
    said(text, () => replica().update(deal.id, { stage: stageBefore, ...before }))
  })
