import type { SchemaType } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { addonSchema, readingSchema } from '../src/schema.ts'

const refused = expect.objectContaining({ code: 'PIO_NATIVE_UNSUPPORTED', retry: 'stop' })

describe('schemas of producers', () => {
  it('go by the names of the addon', () => {
    const schema = { type: 'AVRO', name: 'order', definition: '{}', properties: { a: 'b' } } as const
    expect(addonSchema('t', schema)).toEqual({
      schemaType: 'Avro',
      name: 'order',
      schema: '{}',
      properties: { a: 'b' },
    })
    expect(addonSchema('t', { type: 'DOUBLE' })).toEqual({ schemaType: 'Float64', name: '' })
  })

  it.each([undefined, { type: 'BYTES' }, { type: 'NONE' }] as const)('are left out for bytes', schema => {
    expect(addonSchema('t', schema)).toBeUndefined()
    expect(readingSchema('t', schema)).toBeUndefined()
  })

  it.each(['KEY_VALUE', 'TIMESTAMP', 'LOCAL_DATE'] as const)('of type %s are refused', type => {
    expect(() => addonSchema('t', { type })).toThrow(refused)
  })
})

describe('schemas of consumers', () => {
  it.each<SchemaType>(['STRING', 'JSON', 'INT64', 'TIMESTAMP'])('of type %s need no version', type => {
    const schema = { type, version: '3' }
    expect(readingSchema('t', schema)).toBe(schema)
  })

  it.each<SchemaType>(['AVRO', 'PROTOBUF', 'PROTOBUF_NATIVE', 'KEY_VALUE'])(
    'of type %s are refused, not guessed',
    type => {
      expect(() => readingSchema('persistent://a/b/t', { type })).toThrow(refused)
      expect(() => readingSchema('persistent://a/b/t', { type })).toThrow(/persistent:\/\/a\/b\/t has a schema of type/)
    },
  )
})
