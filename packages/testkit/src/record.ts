import type { Record } from '@pulsar-io/sdk'

/**
 * A record with the given value. Everything else has a default that `overrides` may replace; give `position` where
 * the order of several records matters.
 */
export function record<V>(value: V | null, overrides: Partial<Record<V>> = {}): Record<V> {
  return {
    topic: 'persistent://public/default/in',
    partition: 0,
    key: undefined,
    value,
    schema: undefined,
    eventTime: undefined,
    publishTime: 0,
    properties: {},
    position: { ledgerId: 1n, entryId: 0n, batchIndex: -1 },
    redeliveryCount: 0,
    ack: () => undefined,
    fail: () => undefined,
    ...overrides,
  }
}

/** Records of one topic partition, one after the other from `entryId` on (default 0). */
export function records<V>(values: readonly (V | null)[], overrides: Partial<Record<V>> = {}): Record<V>[] {
  const first = overrides.position ?? { ledgerId: 1n, entryId: 0n, batchIndex: -1 }
  return values.map((value, i) =>
    record(value, { ...overrides, position: { ...first, entryId: first.entryId + BigInt(i) } }),
  )
}
