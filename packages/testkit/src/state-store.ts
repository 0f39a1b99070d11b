import type { StateStore } from '@pulsar-io/sdk'

/** A state store that lives as long as the test. Values are copied on the way in and out, as a real store does. */
export function createStateStore(): StateStore {
  const values = new Map<string, Uint8Array>()
  const counters = new Map<string, bigint>()
  return {
    async get(key) {
      return values.get(key)?.slice()
    },
    async put(key, value) {
      values.set(key, value.slice())
    },
    async delete(key) {
      values.delete(key)
      counters.delete(key)
    },
    async increment(key, by = 1n) {
      const next = (counters.get(key) ?? 0n) + by
      counters.set(key, next)
      return next
    },
  }
}
