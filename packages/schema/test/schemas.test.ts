import type { SchemaInfo } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { describeIncompatibility, fromSchemaData, parseSchema, toSchemaData } from '../src/index.ts'

const noFile = (path: string): string => {
  throw new Error(`asked for ${path}`)
}
const point = '{"type":"record","name":"P","fields":[]}'

describe('a schema as operators write it', () => {
  it.each([
    ['json', { type: 'JSON' }],
    [' String ', { type: 'STRING' }],
    ['bool', { type: 'BOOLEAN' }],
    ['auto-consume', { type: 'AUTO_CONSUME' }],
    [`avro:${point}`, { type: 'AVRO', definition: point }],
    ['avro:p.avsc', { type: 'AVRO', definition: point }],
    [`json:${point}`, { type: 'JSON', definition: point }],
    [
      { type: 'avro', definition: JSON.parse(point), name: 'p' },
      { type: 'AVRO', name: 'p', definition: point },
    ],
    [
      '{"type":"key-value","keyValue":{"key":"string","value":"avro:p.avsc","encoding":"separated"}}',
      {
        type: 'KEY_VALUE',
        keyValue: { key: { type: 'STRING' }, value: { type: 'AVRO', definition: point }, encoding: 'SEPARATED' },
      },
    ],
  ] as const)('%j', (written, meant) => {
    expect(parseSchema(written, path => (path === 'p.avsc' ? point : noFile(path)))).toEqual(meant)
  })

  it.each([
    ['jsn', 'did you mean json?'],
    ['avro', 'avro needs a definition'],
    ['avro:{"type":', 'is not JSON'],
    ['key_value', 'keyValue'],
    [{ type: 'KEY_VALUE', keyValue: { key: 'string', value: 'json', encoding: 'both' } }, 'INLINE or SEPARATED'],
    [5, 'must be a type'],
  ])('%j is refused: %s', (written, part) => {
    expect(() => parseSchema(written, noFile)).toThrow(part)
  })
})

describe('schema data', () => {
  it('keeps the name, properties and definitions of both halves', () => {
    const schema: SchemaInfo = {
      type: 'KEY_VALUE',
      name: 'mine',
      properties: { owner: 'me' },
      keyValue: {
        key: { type: 'JSON', name: 'k', definition: point, properties: { a: '1' } },
        value: { type: 'INT64' },
        encoding: 'SEPARATED',
      },
    }
    expect(fromSchemaData(toSchemaData(schema))).toEqual(schema)
  })

  it('refuses data that ends too early, and halves without a type or with damaged properties', () => {
    const good = toSchemaData({
      type: 'KEY_VALUE',
      keyValue: { key: { type: 'STRING' }, value: { type: 'STRING' }, encoding: 'INLINE' },
    })
    expect(() => fromSchemaData({ ...good, data: Buffer.from([0, 0, 0, 9]) })).toThrow('ends too early')
    expect(() => fromSchemaData({ ...good, properties: {} })).toThrow('key.schema.type is missing')
    const damaged = { ...good, properties: { ...good.properties, 'value.schema.properties': '{' } }
    expect(() => fromSchemaData(damaged)).toThrow('value.schema.properties is no JSON')
  })
})

describe('an incompatible schema', () => {
  const avro = (version: string | undefined, ...fields: readonly object[]): SchemaInfo => ({
    type: 'AVRO',
    definition: JSON.stringify({ type: 'record', name: 'R', fields }),
    ...(version === undefined ? {} : { version }),
  })
  const topic = 'persistent://shop/eu/orders'

  it('is told with both versions, the difference and the rule', () => {
    const text = describeIncompatibility({
      topic,
      existing: avro('3', { name: 'a', type: 'int' }, { name: 'b', type: 'string' }),
      proposed: avro(undefined, { name: 'a', type: 'string' }, { name: 'c', type: 'int' }),
      rule: 'FULL_TRANSITIVE',
    })
    expect(text).toBe(
      'persistent://shop/eu/orders refuses the schema: the topic has AVRO (version 3), this connector writes AVRO (a new version); ' +
        'difference: c was added without a default, b was removed without a default, a changed its type; ' +
        'rule FULL_TRANSITIVE: old and new schema have to read what the other wrote: a field that is added or removed needs a default, for every version so far; ' +
        'change the schema, publish to another topic, or relax the rule with pulsar-admin namespaces set-schema-compatibility-strategy shop/eu',
    )
  })

  it('is told by the words of the broker where nothing else is known', () => {
    const text = describeIncompatibility({
      topic,
      existing: undefined,
      proposed: { type: 'JSON' },
      reason: 'Incompatible schema\n{"long":1}',
    })
    expect(text).toContain('what the topic has is not known; the broker says: Incompatible schema; change')
    expect(describeIncompatibility({ topic, existing: { type: 'STRING' }, proposed: { type: 'JSON' } })).toContain(
      'the type was STRING and is JSON',
    )
  })
})
