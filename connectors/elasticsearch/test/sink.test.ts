import { TransientError } from '@pulsar-io/sdk'
import { createSinkContext } from '@pulsar-io/testkit'
import { describe, expect, it } from 'vitest'
import type { BulkResult, Operation } from '../src/bulk.ts'
import { ElasticsearchSink } from '../src/sink.ts'
import { batch, codes, configOf, documents, failure, TOPIC } from './support.ts'

async function openFake(raw: object, results: (operations: readonly Operation[]) => BulkResult = () => []) {
  const operations: Operation[] = []
  const checked: string[] = []
  const sink = new ElasticsearchSink(async () => ({
    title: 'fake',
    checkIndex: async name => void checked.push(name),
    bulk: async done => {
      operations.push(...done)
      return results(done)
    },
    close: async () => undefined,
  }))
  const context = createSinkContext({ inputTopics: [TOPIC] })
  await sink.open(configOf({ ...raw }), context)
  return { sink, context, operations, checked }
}

describe('sink', () => {
  it('creates documents under their position by default', async () => {
    const { sink, operations } = await openFake({})
    await sink.write(documents([{ a: 1 }, { a: 2 }], { key: 'k' }), batch)
    expect(operations).toEqual([
      { action: 'create', index: 'an_index', id: `${TOPIC}-0-1-0--1`, document: '{"a":1}' },
      { action: 'create', index: 'an_index', id: `${TOPIC}-0-1-1--1`, document: '{"a":2}' },
    ])
  })

  it('replaces documents of the same key or primary fields', async () => {
    const keyed = await openFake({ keyIgnore: false })
    await keyed.sink.write(documents([{ a: 1 }], { key: 'k' }), batch)
    await keyed.sink.write(documents([{ a: 2 }]), batch)
    expect(keyed.operations.map(({ action, id }) => [action, id])).toEqual([
      ['index', 'k'],
      ['create', `${TOPIC}-0-1-0--1`],
    ])
    const primary = await openFake({ primaryFields: 'a, b', keyIgnore: false })
    const outcomes = await primary.sink.write(documents([{ a: 1, b: 'x' }, { a: 1 }], { key: 'k' }), batch)
    expect(primary.operations).toMatchObject([{ action: 'index', id: '[1,"x"]' }])
    expect(codes(outcomes)).toEqual([undefined, 'PIO_ES_ID'])
  })

  it('gives documents that can be replaced a version that grows with the position and stays the same', async () => {
    const publishTime = Date.UTC(2026, 0, 1)
    const versions = async (
      config: object,
      records = documents([{ a: 1 }, { a: 2 }, null], { key: 'k', publishTime }),
    ) => {
      const { sink, operations } = await openFake({ nullValueAction: 'DELETE', ...config })
      for (const record of records) await sink.write([record], batch)
      return operations.map(({ version }) => version)
    }
    const [first = 0n, second = 0n, third = 0n] = await versions({ keyIgnore: false })
    expect([first >= publishTime * 1000, second > first, third > second]).toEqual([true, true, true])
    expect(await versions({ keyIgnore: false })).toEqual([first, second, third])
    expect(await versions({ primaryFields: 'a' }, documents([{ a: 1 }], { publishTime }))).toEqual([first])
    expect(await versions({ keyIgnore: false, documentVersion: 'NONE' })).toEqual([undefined, undefined, undefined])
    expect(await versions({})).toEqual([undefined, undefined])
  })

  it('dates documents of a data stream that have no date', async () => {
    const { sink, operations } = await openFake({ dataStream: true })
    const publishTime = Date.UTC(2026, 0, 1)
    await sink.write(
      documents([{ a: 1 }, '{ }', { '@timestamp': 5 }, { b: { '@timestamp': 5 } }], { publishTime }),
      batch,
    )
    await sink.write(documents([{ a: 1 }], { publishTime, eventTime: 0 }), batch)
    expect(operations.map(({ document }) => document)).toEqual([
      '{"@timestamp":"2026-01-01T00:00:00.000Z","a":1}',
      '{"@timestamp":"2026-01-01T00:00:00.000Z" }',
      '{"@timestamp":5}',
      '{"@timestamp":"2026-01-01T00:00:00.000Z","b":{"@timestamp":5}}',
      '{"@timestamp":"1970-01-01T00:00:00.000Z","a":1}',
    ])
  })

  it('takes the index from the topic where none is named', async () => {
    const { sink, operations, checked } = await openFake({ indexName: '' })
    await sink.write(documents([{ a: 1 }], { topic: 'persistent://public/default/Good_Topic' }), batch)
    expect([checked, operations[0]?.index]).toEqual([['orders'], 'good_topic'])
  })

  it('stops at a topic that gives no index name', async () => {
    const sink = new ElasticsearchSink()
    const context = createSinkContext({ inputTopics: ['persistent://public/default/_hidden'] })
    expect(await failure(sink.open(configOf({ indexName: '' }), context))).toMatchObject({
      code: 'PIO_CONFIG',
      message: expect.stringContaining('_hidden'),
    })
  })

  it('fills the event time into the index name, or else the publish time', async () => {
    const { sink, operations, checked } = await openFake({ indexName: 'logs-%{+yyyy}' })
    const publishTime = Date.UTC(2025, 5, 1)
    await sink.write(documents([{ a: 1 }], { eventTime: Date.UTC(2024, 5, 1), publishTime }), batch)
    await sink.write(documents([{ a: 1 }], { publishTime }), batch)
    expect(operations.map(({ index }) => index)).toEqual(['logs-2024', 'logs-2025'])
    expect(checked).toEqual([])
  })

  it('treats a record without a value as configured', async () => {
    const tombstone = documents([null], { key: 'k' })
    const ignore = await openFake({ keyIgnore: false })
    expect(codes(await ignore.sink.write(tombstone, batch))).toEqual([undefined])
    const fail = await openFake({ keyIgnore: false, nullValueAction: 'FAIL' })
    expect(codes(await fail.sink.write(tombstone, batch))).toEqual(['PIO_ES_NULL'])
    const remove = await openFake({ keyIgnore: false, nullValueAction: 'DELETE' })
    expect(codes(await remove.sink.write([...tombstone, ...documents([null])], batch))).toEqual([undefined, undefined])
    expect(remove.operations).toMatchObject([{ action: 'delete', index: 'an_index', id: 'k' }])
    expect([ignore.operations, fail.operations]).toEqual([[], []])
  })

  it.each([
    ['FAIL', ['PIO_ES_MALFORMED', undefined], 0],
    ['WARN', [undefined, undefined], 1],
    ['IGNORE', [undefined, undefined], 0],
  ] as const)('treats a malformed document as configured: %s', async (malformedDocAction, expected, warnings) => {
    const { sink, context, operations } = await openFake({ malformedDocAction })
    expect(codes(await sink.write(documents(['[1]', { a: 1 }]), batch))).toEqual(expected)
    expect(context.logger.messages('warn')).toHaveLength(warnings)
    expect(operations).toHaveLength(1)
  })

  it('hands a transient error on whatever malformedDocAction says', async () => {
    const busy = new TransientError('busy')
    const { sink } = await openFake({ malformedDocAction: 'IGNORE' }, () => [undefined, busy])
    expect(await sink.write(documents(['[1]', { a: 1 }, { a: 2 }]), batch)).toEqual([undefined, undefined, busy])
  })
})
