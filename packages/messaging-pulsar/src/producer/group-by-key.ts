import type { PulsarOutgoingMessage } from './outgoing.ts'

/** Messages in another order, and where they stood. */
export interface Grouped {
  readonly messages: readonly PulsarOutgoingMessage[]
  readonly places: readonly number[]
}

/**
 * Brings messages of one key together, keys in the order of their first message, so that they can share an entry. The
 * order within each key stays. Returns undefined where nothing would change.
 */
export function groupByKey(
  messages: readonly PulsarOutgoingMessage[],
  places: readonly number[] | undefined,
): Grouped | undefined {
  if (messages.every(({ key, orderingKey }) => key === undefined && orderingKey === undefined)) return undefined
  const groups = new Map<string | undefined, number[]>()
  for (let i = 0; i < messages.length; i += 1) {
    const { key, orderingKey } = messages[i] as PulsarOutgoingMessage
    // An ordering key and a key may be the same text; both decide about what an entry may hold.
    const group = orderingKey === undefined ? key : `${orderingKey.length}:${orderingKey}${key ?? ''}`
    const indexes = groups.get(group)
    if (indexes === undefined) groups.set(group, [i])
    else indexes.push(i)
  }
  const order = [...groups.values()].flat()
  return {
    messages: order.map(i => messages[i] as PulsarOutgoingMessage),
    places: places === undefined ? order : order.map(i => places[i] as number),
  }
}
