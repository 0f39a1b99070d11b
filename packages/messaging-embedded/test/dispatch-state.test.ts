import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DispatchState } from '../src/dispatch-state.ts'
import { Entry, encodedSize, encodeEntry } from '../src/entry.ts'
import { RangeSet } from '../src/range-set.ts'
import type { TopicLog } from '../src/topic-log.ts'

const COUNT = 30

/** A log of entries of three messages. */
function fakeLog(): TopicLog {
  const message = { payload: Buffer.from('x') }
  const messages = Array.from({ length: 3 }, (_, i) => ({ message, sequence: BigInt(i) }))
  const bytes = encodeEntry(messages, 0, 3, 3 * encodedSize(message), 'p', -1)
  const entryAt = (ordinal: number) => new Entry(Math.floor(ordinal / 3) * 3, bytes)
  return { next: COUNT, entryAt } as unknown as TopicLog
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('take' as const), who: fc.nat(2), count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ kind: fc.constant('ack' as const), who: fc.nat(2), pick: fc.nat(5) }),
  fc.record({ kind: fc.constant('nack' as const), who: fc.nat(2), pick: fc.nat(5), delay: fc.nat(3) }),
  fc.record({ kind: fc.constant('leave' as const), who: fc.nat(2) }),
  fc.record({ kind: fc.constant('store' as const) }),
)

describe('DispatchState', () => {
  it('hands out every message to one consumer at a time, counts its returns, and loses none', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const log = fakeLog()
        let state = new DispatchState(0, 0)
        const acknowledged = new RangeSet()
        const held = [new Set<number>(), new Set<number>(), new Set<number>()]
        const returns = new Map<number, number>()
        let now = 1_000
        const take = (who: number, maxMessages: number) => {
          const taken = state.take({
            consumer: `c${who}`,
            delivery: { log },
            log,
            acknowledged,
            maxMessages,
            maxBytes: 1e9,
            now,
          })
          for (const message of taken.messages) {
            for (const others of held) expect(others.has(message.ordinal)).toBe(false)
            expect(acknowledged.has(message.ordinal)).toBe(false)
            expect(message.redeliveryCount).toBe(returns.get(message.ordinal) ?? 0)
            held[who]?.add(message.ordinal)
          }
          return taken.messages.length
        }
        const giveBack = (who: number, ordinals: readonly number[], at: number) => {
          const set = new RangeSet()
          for (const ordinal of ordinals) {
            set.add(ordinal, ordinal + 1)
            held[who]?.delete(ordinal)
            returns.set(ordinal, (returns.get(ordinal) ?? 0) + 1)
          }
          state.release(`c${who}`, set, at, now)
        }
        for (const one of steps) {
          now += 1
          if (one.kind === 'take') take(one.who, one.count)
          else if (one.kind === 'store') state = DispatchState.decode(state.encode())
          else {
            const mine = [...(held[one.who] ?? [])]
            if (one.kind === 'leave') {
              for (const ordinal of mine) returns.set(ordinal, (returns.get(ordinal) ?? 0) + 1)
              held[one.who]?.clear()
              state.keepMembers(
                ['c0', 'c1', 'c2'].filter(name => name !== `c${one.who}`),
                now,
              )
            } else {
              const picked = mine.filter((_, i) => i % 6 >= one.pick)
              if (one.kind === 'nack') giveBack(one.who, picked, now + one.delay)
              else {
                for (const ordinal of picked) {
                  acknowledged.add(ordinal, ordinal + 1)
                  held[one.who]?.delete(ordinal)
                }
                state.settle(acknowledged)
              }
            }
          }
        }
        for (const who of [0, 1, 2]) giveBack(who, [...(held[who] ?? [])], 0)
        now += 100
        expect(take(0, 1_000)).toBe(COUNT - acknowledged.size)
      }),
    )
  })
})
