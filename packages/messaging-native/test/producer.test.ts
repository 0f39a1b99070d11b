import type { OutgoingMessage } from '@pulsar-io/messaging'
import { describe, expect, it } from 'vitest'
import { NativeProducer } from '../src/producer.ts'
import { FakeProducer, turn } from './support/fake-addon.ts'

function open(bounds: { maxPendingMessages?: number; maxPendingBytes?: number } = {}) {
  const addon = new FakeProducer()
  const all = { maxPendingMessages: 100, maxPendingBytes: 1_000_000, ...bounds }
  const producer = new NativeProducer('persistent://public/default/t', addon, all, () => undefined)
  const texts = () => addon.sent.map(({ data }) => data.toString())
  return { addon, producer, texts }
}

const messages = (...texts: string[]): OutgoingMessage[] => texts.map(text => ({ payload: Buffer.from(text) }))
const outcome = (sent: Promise<unknown>) =>
  sent.then(
    () => 'sent',
    error => (error as { code: string }).code,
  )

describe('the producer', () => {
  it('sends in order and answers with positions, null for a duplicate', async () => {
    const { addon, producer, texts } = open()
    const [first, second] = [producer.send(messages('a', 'b')), producer.send(messages('c'))]
    expect(texts()).toEqual(['a', 'b', 'c'])
    await addon.confirm(1)
    await addon.confirm(0, -1)
    await addon.confirm(2)
    expect(await first).toEqual([null, { ledgerId: 1n, entryId: 1n, batchIndex: -1 }])
    expect(await second).toEqual([{ ledgerId: 1n, entryId: 2n, batchIndex: -1 }])
    expect(await producer.send([])).toEqual([])
  })

  it('maps every field', async () => {
    const { addon, producer } = open()
    const message = { payload: Buffer.from('x'), key: 'k', orderingKey: 'o', properties: { a: 'b' }, eventTime: 7 }
    void producer.send([{ ...message, sequenceId: 9_007_199_254_740_991n }])
    expect(addon.sent).toEqual([
      {
        data: Buffer.from('x'),
        partitionKey: 'k',
        orderingKey: 'o',
        properties: { a: 'b' },
        eventTimestamp: 7,
        sequenceId: 9_007_199_254_740_991,
      },
    ])
    await addon.confirm(0)
    expect(producer.lastSequenceId).toBe(9_007_199_254_740_991n)
  })

  it.each([
    [
      'a sequence id that a number cannot hold',
      { payload: Buffer.from('x'), sequenceId: 9_007_199_254_740_992n },
      'stop',
    ],
    ['a negative sequence id', { payload: Buffer.from('x'), sequenceId: -1n }, 'stop'],
    ['a message without a value', { payload: null }, 'reject'],
    ['a key of bytes', { payload: Buffer.from('x'), key: 'AA==', keyIsBase64: true }, 'reject'],
  ] as const)('refuses %s, and all that was given with it', async (_what, message, retry) => {
    const { addon, producer } = open()
    const ok = { payload: Buffer.from('ok'), ...('sequenceId' in message ? { sequenceId: 1n } : {}) }
    await expect(producer.send([ok, message])).rejects.toMatchObject({ code: 'PIO_NATIVE_UNSUPPORTED', retry })
    expect(addon.sent).toEqual([])
  })

  it('refuses to mix given sequence ids with its own, also from call to call', async () => {
    const { addon, producer } = open()
    const sent = producer.send(messages('a'))
    await addon.confirm(0)
    await sent
    await expect(producer.send([{ payload: Buffer.from('b'), sequenceId: 1n }])).rejects.toThrow(/sequence ids/)
  })

  it('keeps to its bounds', async () => {
    const { addon, producer, texts } = open({ maxPendingMessages: 3, maxPendingBytes: 4 })
    const sent = [producer.send(messages('aa', 'b')), producer.send(messages('cc', 'd'))]
    expect(texts()).toEqual(['aa', 'b'])
    await addon.confirm(0)
    expect(texts()).toEqual(['aa', 'b', 'cc', 'd'])
    for (const n of [1, 2, 3]) await addon.confirm(n)
    expect(await Promise.all(sent.map(outcome))).toEqual(['sent', 'sent'])
  })

  it('sends a large message by itself: it may be refused alone', async () => {
    const { addon, producer, texts } = open({ maxPendingBytes: 10 })
    const large = 'x'.repeat(1024 * 1024)
    void producer.send(messages('a', large, 'b'))
    expect(texts()).toEqual(['a'])
    await addon.confirm(0)
    expect(texts()).toEqual(['a', large])
    await addon.confirm(1)
    expect(texts()).toEqual(['a', large, 'b'])
  })

  it('takes everything behind a failure along, and nothing in front of it', async () => {
    const { addon, producer } = open()
    const sent = ['a', 'b', 'c'].map(text => outcome(producer.send(messages(text))))
    await addon.refuse(1, 'TimeOut')
    await addon.confirm(0)
    expect(await Promise.all(sent)).toEqual(['sent', 'PIO_PULSAR_TIMEOUT', 'PIO_PULSAR_TIMEOUT'])
  })

  it('sends nothing more until what was on its way is settled', async () => {
    const { addon, producer, texts } = open()
    const first = outcome(producer.send(messages('a', 'b')))
    await addon.refuse(0, 'TimeOut')
    expect(await first).toBe('PIO_PULSAR_TIMEOUT')
    const again = outcome(producer.send(messages('a')))
    expect(texts()).toEqual(['a', 'b'])
    await addon.refuse(1, 'TimeOut')
    expect(texts()).toEqual(['a', 'b', 'a'])
    await addon.confirm(2)
    expect(await again).toBe('sent')
  })

  it('says that it was fenced', async () => {
    const { addon, producer } = open()
    const sent = outcome(producer.send(messages('a')))
    await addon.refuse(0, 'ResultProducerFenced')
    expect(await sent).toBe('PIO_PRODUCER_FENCED')
  })

  it('closes once, and rejects what was not sent', async () => {
    const { addon, producer } = open({ maxPendingMessages: 1 })
    const sent = outcome(producer.send(messages('a', 'b')))
    await producer.close()
    await producer.close()
    await turn()
    expect(addon.closed).toBe(1)
    expect(await sent).toBe('PIO_CLOSED')
    expect(await outcome(producer.send(messages('c')))).toBe('PIO_CLOSED')
  })
})
