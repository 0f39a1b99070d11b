import type { SchemaInfo } from '@pulsar-io/sdk'
import { record } from '@pulsar-io/testkit'
import { describe, expect, it } from 'vitest'
import { columnsOf } from '../src/schema-columns.ts'

const avro = (fields: readonly object[], type: 'AVRO' | 'JSON' = 'AVRO'): SchemaInfo => ({
  type,
  definition: JSON.stringify({ type: 'record', name: 'r', fields }),
})
const columns = (schema: SchemaInfo | undefined, key: readonly string[] = []) =>
  columnsOf(record<unknown>({}, { schema }), key)
const typeOf = (type: unknown, schemaType: 'AVRO' | 'JSON' = 'AVRO') =>
  columns(avro([{ name: 'f', type }], schemaType))?.f

describe('columns of a schema', () => {
  it.each([
    ['boolean', 'boolean'],
    ['int', 'integer'],
    ['long', 'bigint'],
    ['float', 'real'],
    ['double', 'double precision'],
    ['string', 'text'],
    ['bytes', 'bytea'],
    [{ type: 'fixed', name: 'x', size: 4 }, 'bytea'],
    [{ type: 'enum', name: 'x', symbols: ['A'] }, 'text'],
    [{ type: 'long', logicalType: 'timestamp-millis' }, 'timestamptz'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, 'timestamptz'],
    [{ type: 'long', logicalType: 'local-timestamp-millis' }, 'timestamp'],
    [{ type: 'int', logicalType: 'date' }, 'date'],
    [{ type: 'int', logicalType: 'time-millis' }, 'time'],
    [{ type: 'string', logicalType: 'uuid' }, 'uuid'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }, 'numeric(10,2)'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 10 }, 'numeric(10,0)'],
    [{ type: 'string', logicalType: 'colour' }, 'text'],
    [['null', 'double'], 'double precision'],
    [['null', { type: 'long', logicalType: 'timestamp-millis' }], 'timestamptz'],
    [['int', 'string'], 'jsonb'],
    [{ type: 'array', items: 'string' }, 'text[]'],
    [{ type: 'array', items: ['null', 'int'] }, 'integer[]'],
    [{ type: 'array', items: { type: 'array', items: 'int' } }, 'jsonb'],
    [{ type: 'array', items: { type: 'record', name: 'i', fields: [] } }, 'jsonb'],
    [{ type: 'map', values: 'int' }, 'jsonb'],
    [{ type: 'record', name: 'i', fields: [] }, 'jsonb'],
    ['some.Named.Type', 'jsonb'],
    [{ type: { type: 'string' } }, 'text'],
  ])('%j is %s', (type, expected) => {
    expect(typeOf(type)).toBe(expected)
  })

  it('takes numbers of JSON values for times only where they count milliseconds', () => {
    expect(typeOf({ type: 'long', logicalType: 'timestamp-millis' }, 'JSON')).toBe('timestamptz')
    expect(typeOf({ type: 'long', logicalType: 'timestamp-micros' }, 'JSON')).toBe('bigint')
  })

  it('are those of both halves, and texts for keys that come from the message', () => {
    const schema: SchemaInfo = {
      type: 'KEY_VALUE',
      keyValue: {
        key: avro([
          { name: 'id', type: 'int' },
          { name: 'both', type: 'int' },
        ]),
        value: avro([{ name: 'both', type: 'string' }]),
        encoding: 'INLINE',
      },
    }
    expect(columns(schema, ['id'])).toEqual({ id: 'integer', both: 'text' })
    expect(columns(avro([{ name: 'v', type: 'int' }]), ['id'])).toEqual({ v: 'integer', id: 'text' })
  })

  it.each([
    [undefined],
    [{ type: 'STRING' } as const],
    [{ type: 'AVRO' } as const],
    [{ type: 'AVRO', definition: '"string"' } as const],
    [{ type: 'JSON', definition: 'no JSON' } as const],
    [avro([])],
  ])('are unknown of %j', schema => {
    expect(columns(schema, ['id'])).toBeUndefined()
  })
})
