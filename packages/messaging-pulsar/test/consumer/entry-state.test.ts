import { describe, expect, it } from 'vitest'
import { EntryState, UnsettledEntries } from '../../src/consumer/entry-state.ts'
import { Permits } from '../../src/consumer/permits.ts'

describe('entry state', () => {
  it('says in bits what is left', () => {
    const state = new EntryState(1n, 1n, 130, 0)
    expect(state.ackSet()).toEqual([-1n, -1n, 3n])
    for (const index of [0, 63, 64, 129]) expect(state.acknowledge(index)).toBe(true)
    expect(state.acknowledge(0)).toBe(false)
    expect(state.remaining).toBe(126)
    expect(state.ackSet()).toEqual([0x7fff_ffff_ffff_fffen, -2n, 1n])
  })

  it('is found by its place until it is removed', () => {
    const entries = new UnsettledEntries()
    const states = [new EntryState(1n, 1n, 1, 0), new EntryState(1n, 2n, 1, 0), new EntryState(2n, 1n, 1, 0)]
    for (const state of states) entries.add(state)
    expect(entries.get(1n, 2n)).toBe(states[1])
    entries.remove(states[1] as EntryState)
    expect(entries.get(1n, 2n)).toBeUndefined()
    expect([...entries.all()]).toEqual([states[0], states[2]])
  })
})

describe('permits', () => {
  it('keep as many messages on their way as fit, by count and by bytes', () => {
    const permits = new Permits({ messages: 5_000, bytes: 1_000_000 })
    expect(permits.grant(0, 10_000)).toBe(1_000)
    permits.received(1_000, 1_000_000)
    // A thousand bytes each: a thousand messages may wait, and all of them do.
    expect(permits.grant(1_000, 10_000)).toBe(0)
    expect(permits.grant(0, 10_000)).toBe(1_000)
  })

  it('never allow more than may be handed out', () => {
    const permits = new Permits({ messages: 5_000, bytes: 1_000_000 })
    expect(permits.grant(0, 3)).toBe(3)
    expect(permits.grant(0, 3)).toBe(0)
    permits.received(2, 20)
    expect(permits.grant(2, 3)).toBe(0)
    expect(permits.grant(0, 3)).toBe(2)
  })

  it('make up for a batch that was larger than what was left', () => {
    const permits = new Permits({ messages: 100, bytes: 1_000_000 })
    permits.grant(0, 100)
    permits.received(150, 1_500)
    expect(permits.grant(0, 100)).toBe(150)
  })
})
