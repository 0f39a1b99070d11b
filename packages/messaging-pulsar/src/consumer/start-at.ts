import type { SeekTarget } from '@pulsar-io/messaging'
import type { Position } from '@pulsar-io/sdk'
import type { CommandInput } from '../wire/commands.ts'

/** Where a subscription is to begin, apart from what the broker remembers. */
export interface StartAt {
  readonly position: Position
  /** Whether the message that stands there comes, too. */
  readonly inclusive: boolean
}

const FAR = 0x7fff_ffff_ffff_ffffn

/** What a seek leaves to pass over here; a reader begins there, too, when its connection breaks. */
export function startOf(to: SeekTarget): StartAt | undefined {
  if (to === 'earliest') return { position: { ledgerId: -1n, entryId: -1n, batchIndex: -1 }, inclusive: true }
  if (to === 'latest') return { position: { ledgerId: FAR, entryId: FAR, batchIndex: -1 }, inclusive: true }
  return 'position' in to ? { position: to.position, inclusive: true } : undefined
}

/** What tells the broker of a seek. */
export function seekBody(to: SeekTarget): Pick<CommandInput<'seek'>, 'messageId' | 'messagePublishTime'> {
  if (to === 'earliest') return { messageId: { ledgerId: -1n, entryId: -1n } }
  if (to === 'latest') return { messageId: { ledgerId: FAR, entryId: FAR } }
  if ('time' in to) return { messagePublishTime: Math.max(0, Math.floor(to.time)) }
  const { ledgerId, entryId, batchIndex } = to.position
  if (batchIndex <= 0) return { messageId: { ledgerId, entryId } }
  return { messageId: { ledgerId, entryId, ackSet: ackSetFrom(batchIndex) } }
}

/** Words of an ack set for a batch whose size is not known: more than the largest batch, since what lacks counts as acknowledged. */
const ACK_SET_WORDS = 256

/** An ack set in which everything from an index on is left. */
function ackSetFrom(index: number): readonly bigint[] {
  return Array.from({ length: Math.max(ACK_SET_WORDS, (index >> 6) + 1) }, (_, word) => {
    if (word > index >> 6) return -1n
    return word < index >> 6 ? 0n : BigInt.asIntN(64, -1n << BigInt(index & 63))
  })
}

/** Where a reader's subscription is to begin at the broker. */
export function startMessageId({ position }: StartAt): CommandInput<'subscribe'>['startMessageId'] {
  const { ledgerId, entryId, batchIndex } = position
  if (entryId < 0n || entryId === FAR) return { ledgerId, entryId }
  // With an index of a batch, the broker begins with the entry itself; what is too much is passed over here.
  return { ledgerId, entryId, batchIndex: Math.max(0, batchIndex) }
}

/** The first index of an entry of `count` messages that does not stand in front of the start. */
export function firstWanted(
  { position: { ledgerId, entryId, batchIndex }, inclusive }: StartAt,
  entry: { readonly ledgerId: bigint; readonly entryId: bigint },
  count: number,
): number {
  if (ledgerId !== entry.ledgerId || entryId !== entry.entryId) return 0
  const at = Math.max(0, batchIndex)
  // A batch of which no index is known is passed over as a whole.
  return inclusive ? at : batchIndex < 0 ? count : at + 1
}
