import type { SeekTarget } from '@pulsar-io/messaging'
import type { TopicLog } from './topic-log.ts'

/** The ordinal that comes first after a seek to `to`; `behind`: the one behind the message at the position. */
export function ordinalOfTarget(log: TopicLog, to: SeekTarget, behind = false): number {
  if (to === 'earliest') return log.first
  if (to === 'latest') return log.next
  if ('time' in to) return log.ordinalAt(to.time)
  const { ledgerId, entryId, batchIndex } = to.position
  // A position of an earlier topic of this name stands before everything, one of a later topic behind it.
  if (ledgerId !== log.ledger) return ledgerId < log.ledger ? log.first : log.next
  const ordinal = Number(entryId) + Math.max(0, batchIndex) + (behind ? 1 : 0)
  return Math.min(log.next, Math.max(log.first, ordinal))
}
