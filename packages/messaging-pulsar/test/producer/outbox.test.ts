import { describe, expect, it } from 'vitest'
import { groupByKey } from '../../src/producer/group-by-key.ts'
import { Outbox } from '../../src/producer/outbox.ts'
import type { PulsarOutgoingMessage } from '../../src/producer/outgoing.ts'
import { SendCall } from '../../src/producer/send-call.ts'

const limits = { maxMessages: 4, maxBytes: 10_000, byKey: false }
const message = (text: string, rest: Partial<PulsarOutgoingMessage> = {}) => ({ payload: Buffer.from(text), ...rest })

function cuts(outbox: Outbox, options: Partial<typeof limits> = {}): string[] {
  const all: string[] = []
  while (outbox.messages > 0) {
    const { segments, count } = outbox.cut({ ...limits, ...options }, () => true)
    const texts = segments.flatMap(({ messages, from, to }) => messages.slice(from, to).map(one => `${one.payload}`))
    expect(texts).toHaveLength(count)
    if (count > 0) all.push(texts.join(''))
  }
  return all
}

const add = (outbox: Outbox, ...messages: PulsarOutgoingMessage[]) => {
  const call = new SendCall(messages.length, undefined)
  call.promise.catch(() => undefined)
  outbox.add(call, messages, undefined)
  return call
}

describe('outbox', () => {
  it('fills entries over calls, up to a number of messages', () => {
    const outbox = new Outbox()
    add(outbox, ...[...'abcdef'].map(text => message(text)))
    add(outbox, message('g'))
    add(outbox, message('h'), message('i'))
    expect(cuts(outbox)).toEqual(['abcd', 'efgh', 'i'])
  })

  it('ends an entry before it has too many bytes; a larger message is alone', () => {
    const outbox = new Outbox()
    const large = 'x'.repeat(20_000)
    add(outbox, message('a'), message(large), message('b'.repeat(6_000)), message('c'.repeat(6_000)))
    expect(cuts(outbox).map(({ length }) => length)).toEqual([1, 20_000, 6_000, 6_000])
  })

  it('keeps keys apart where it has to, and delayed messages alone', () => {
    const outbox = new Outbox()
    add(outbox, message('a', { key: 'k' }), message('b', { key: 'k' }), message('c', { key: 'l' }), message('d'))
    expect(cuts(outbox, { byKey: true })).toEqual(['ab', 'c', 'd'])
    add(outbox, message('a'), message('b', { deliverAt: 1 }), message('c'))
    expect(cuts(outbox)).toEqual(['a', 'b', 'c'])
  })

  it('passes over calls that were rejected meanwhile', () => {
    const outbox = new Outbox()
    add(outbox, message('a')).reject(new Error('gone'))
    add(outbox, message('b'))
    expect(cuts(outbox)).toEqual(['b'])
  })

  it('keeps transactions apart', () => {
    const outbox = new Outbox()
    const id = { mostBits: 1n, leastBits: 2n }
    outbox.add(new SendCall(1, id), [message('a')], undefined)
    outbox.add(new SendCall(1, id), [message('b')], undefined)
    outbox.add(new SendCall(1, undefined), [message('c')], undefined)
    expect(cuts(outbox)).toEqual(['ab', 'c'])
  })
})

describe('groupByKey', () => {
  it('brings keys together, in order, with their places', () => {
    const keys = ['k', undefined, 'l', 'k', undefined, 'l']
    const grouped = groupByKey(
      keys.map((key, i) => ({ payload: Buffer.from(`${i}`), key })),
      undefined,
    )
    expect(grouped?.places).toEqual([0, 3, 1, 4, 2, 5])
    expect(grouped?.messages.map(({ payload }) => Number(`${payload}`))).toEqual(grouped?.places)
  })

  it('leaves messages without keys as they are', () => {
    expect(groupByKey([message('a'), message('b')], undefined)).toBeUndefined()
  })
})
