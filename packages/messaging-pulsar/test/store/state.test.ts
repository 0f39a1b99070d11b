import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { counterMessage, readRecord, type StoreRecord, valueMessage } from '../../src/store/record.ts'
import { StoreState } from '../../src/store/state.ts'

const read = (message: ReturnType<typeof valueMessage>): StoreRecord => {
  const record = readRecord({ key: message.key, payload: message.payload, properties: message.properties ?? {} })
  if (record === undefined) throw new Error('not a record')
  return record
}

const textOf = (state: StoreState, key: string) => {
  const value = state.get(key)
  return value === undefined ? undefined : Buffer.from(value).toString()
}

describe('store records', () => {
  it('tell an empty value from none', () => {
    const state = new StoreState()
    state.apply(read(valueMessage('k', '1', new Uint8Array(), false)))
    expect(textOf(state, 'k')).toBe('')
    state.apply(read(valueMessage('k', '2', undefined, false)))
    expect(textOf(state, 'k')).toBeUndefined()
  })

  it('add what every writer added to the newest value', () => {
    const state = new StoreState()
    for (const record of [
      counterMessage('n', 'a', '', 5n),
      counterMessage('n', 'b', '', 2n),
      counterMessage('n', 'a', '', 7n),
    ])
      state.apply(read(record))
    expect(textOf(state, 'n')).toBe('9')
    state.apply(read(valueMessage('n', 'w', Buffer.from('100'), false)))
    expect(textOf(state, 'n')).toBe('100')
    state.apply(read(counterMessage('n', 'b', 'w', -1n)))
    expect(textOf(state, 'n')).toBe('99')
  })

  it('depend on the newest record of each key only, as compaction leaves them', () => {
    const step = fc.oneof(
      fc
        .record({ key: fc.constantFrom('x', 'y'), identity: fc.constantFrom('1', '2'), value: fc.nat(9) })
        .map(({ key, identity, value }) => valueMessage(key, identity, Buffer.from(`${value}`), false)),
      fc
        .record({
          key: fc.constantFrom('x', 'y'),
          writer: fc.constantFrom('a', 'b'),
          identity: fc.constantFrom('', '1', '2'),
          sum: fc.bigInt({ min: -9n, max: 9n }),
        })
        .map(({ key, writer, identity, sum }) => counterMessage(key, writer, identity, sum)),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), steps => {
        const whole = new StoreState()
        for (const one of steps) whole.apply(read(one))
        const newest = new Map(steps.map(one => [one.key, one] as const))
        const compacted = new StoreState()
        for (const one of newest.values()) compacted.apply(read(one))
        for (const key of ['x', 'y']) expect(textOf(compacted, key)).toBe(textOf(whole, key))
      }),
    )
  })
})
