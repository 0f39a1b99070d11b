import { codecFor } from '@pulsar-io/schema'
import {
  type BatchSink,
  defineSink,
  defineSource,
  type Record,
  type SchemaInfo,
  type SourceRecord,
} from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eventually, world } from './harness.ts'

const IN = 'persistent://public/default/in'
const OUT = 'persistent://public/default/out'

const avro = (...fields: readonly object[]): SchemaInfo => ({
  type: 'AVRO',
  definition: JSON.stringify({ type: 'record', name: 'Order', fields }),
})
const id = { name: 'id', type: 'long' }
const note = { name: 'note', type: ['null', 'string'], default: null }

function collecting() {
  const records: Record[] = []
  const sink: BatchSink = {
    open: () => undefined,
    write: async batch => void records.push(...batch),
    close: () => undefined,
  }
  const definition = defineSink({
    name: 'probe',
    summary: 'Probe.',
    config: z.strictObject({}),
    delivery: 'at-least-once',
    batch: {},
    create: () => sink,
  })
  return { definition, records }
}

function emitting(records: readonly SourceRecord[], schema: SchemaInfo) {
  const left = [records]
  return defineSource({
    name: 'probe',
    summary: 'Probe.',
    config: z.strictObject({}),
    delivery: 'at-least-once',
    schema,
    create: () => ({ open: () => undefined, read: async () => left.shift() ?? null, close: () => undefined }),
  })
}

const encoded = async (schema: SchemaInfo, value: unknown) => ({ payload: (await codecFor(schema)).encode(value) })

describe('a sink', () => {
  it('reads each message with the schema that it was written with, whatever the newest is', async () => {
    const { produce, sink } = bind(await world())
    const [old, young] = [avro(id), avro(id, note)]
    await produce(IN, [await encoded(old, { id: 1 })], old)
    await produce(IN, [await encoded(young, { id: 2, note: 'n' })], young)
    await produce(IN, [await encoded(old, { id: 3 })], old)
    const { definition, records } = collecting()
    const task = await sink(definition)
    await eventually(() => records.length === 3)
    await task.stop()
    expect(records.map(({ value }) => value)).toStrictEqual([{ id: 1n }, { id: 2n, note: 'n' }, { id: 3n }])
    expect(records.map(({ schema }) => schema?.version)).toEqual(['0', '1', '0'])
  })

  it('gets key and value of a KEY_VALUE record, the key as text as well', async () => {
    const { produce, sink } = bind(await world())
    const separated: SchemaInfo = {
      type: 'KEY_VALUE',
      keyValue: { key: avro(id), value: { type: 'JSON' }, encoding: 'SEPARATED' },
    }
    const parts = (await codecFor(separated)).keyValue?.encode({ key: { id: 7n }, value: { a: 1 } })
    const key = Buffer.from(parts?.key ?? []).toString('base64')
    await produce(IN, [{ payload: parts?.payload ?? null, key, keyIsBase64: true }], separated)
    await produce(IN, [{ payload: null, key, keyIsBase64: true }], separated)
    const inline: SchemaInfo = {
      type: 'KEY_VALUE',
      keyValue: { key: { type: 'INT32' }, value: { type: 'STRING' }, encoding: 'INLINE' },
    }
    await produce(IN, [await encoded(inline, { key: 5, value: 'five' })], inline)
    const { definition, records } = collecting()
    const task = await sink(definition)
    await eventually(() => records.length === 3)
    await task.stop()
    expect(records.map(({ key, keyValue, value }) => ({ key, keyValue, value }))).toStrictEqual([
      { key: '{"id":7}', keyValue: { id: 7n }, value: { a: 1 } },
      { key: '{"id":7}', keyValue: { id: 7n }, value: null },
      { key: '5', keyValue: 5, value: 'five' },
    ])
  })

  it('dead-letters what does not match its schema, and stops at a schema that cannot be used', async () => {
    const one = await world()
    const { produce, sink, contents } = bind(one)
    await produce(IN, [{ payload: Buffer.from([200]) }, await encoded(avro(id), { id: 1 })], avro(id))
    const { definition, records } = collecting()
    const task = await sink(definition)
    await eventually(() => records.length === 1)
    const [letter] = await contents('persistent://public/default/in-sub-DLQ')
    expect(letter?.properties['pulsar-io-code']).toBe('PIO_SCHEMA_DECODE')
    await produce(IN, ['x'], { type: 'AVRO', definition: '{"type":"nonsense"}' })
    await expect(task.running).rejects.toMatchObject({
      code: 'PIO_SCHEMA_DEFINITION',
      retry: 'stop',
      message: expect.stringMatching(/^persistent:\/\/public\/default\/in schema version 1: .*AVRO/),
    })
  })

  it('takes the configured schema where the topic has none', async () => {
    const { produce, sink } = bind(await world())
    await produce(IN, [await encoded(avro(id), { id: 1 })])
    const { definition, records } = collecting()
    const task = await sink(definition, { inputSchemas: { [IN]: avro(id) } })
    await eventually(() => records.length === 1)
    await task.stop()
    expect(records[0]?.value).toEqual({ id: 1n })
  })
})

describe('a source', () => {
  it('publishes with the schema that the operator names, and registers it', async () => {
    const { source, contents } = bind(await world())
    const task = await source(emitting([{ value: { id: 1 } }, { value: { id: '2' } }], { type: 'JSON' }), {
      schema: avro(id, note),
    })
    await task.running
    await task.stop()
    const messages = await contents(OUT)
    expect(messages[0]?.schema).toMatchObject({ type: 'AVRO', definition: avro(id, note).definition })
    const codec = await codecFor(messages[0]?.schema)
    expect(messages.map(({ payload }) => codec.decode(payload ?? Buffer.alloc(0)))).toEqual([
      { id: 1n, note: null },
      { id: 2n, note: null },
    ])
  })

  it('publishes key and value of a KEY_VALUE schema', async () => {
    const { source, contents } = bind(await world())
    const schema: SchemaInfo = {
      type: 'KEY_VALUE',
      keyValue: { key: { type: 'INT64' }, value: { type: 'JSON' }, encoding: 'SEPARATED' },
    }
    const task = await source(emitting([{ keyValue: 5, value: { a: 1 } }], schema))
    await task.running
    await task.stop()
    const [message] = await contents(OUT)
    expect(message).toMatchObject({ key: 'AAAAAAAAAAU=', keyIsBase64: true })
    expect(Buffer.from(message?.payload ?? []).toString()).toBe('{"a":1}')
  })

  it('says at once that a definition cannot be used', async () => {
    const { source } = bind(await world())
    await expect(source(emitting([], { type: 'JSON' }), { schema: { type: 'AVRO' } })).rejects.toMatchObject({
      code: 'PIO_SCHEMA_DEFINITION',
    })
  })
})

function bind(one: Awaited<ReturnType<typeof world>>) {
  return {
    produce: one.produce.bind(one),
    contents: one.contents.bind(one),
    sink: one.sink.bind(one),
    source: one.source.bind(one),
  }
}
