import type { Record } from '@pulsar-io/sdk'
import { record } from '@pulsar-io/testkit'
import { describe, expect, it } from 'vitest'
import { extract } from '../src/document.ts'
import { configOf } from './support.ts'

const textOf = (value: unknown, config = {}, overrides: Partial<Record> = {}) =>
  extract(record<unknown>(value, overrides), configOf(config)).text

describe('documents', () => {
  it('takes a JSON text as it is, from bytes or text', () => {
    expect(textOf('{"a": 1.50, "n": null}')).toBe('{"a": 1.50, "n": null}')
    expect(textOf(new TextEncoder().encode('{"a":"ü"}'))).toBe('{"a":"ü"}')
  })

  it('takes a decoded value', () => {
    expect(textOf({ a: 1, b: undefined, n: null })).toBe('{"a":1,"n":null}')
    expect(textOf({ a: 1, n: null, list: [1, null, { m: null }] }, { schemaEnable: true })).toBe(
      '{"a":1,"list":[1,{}]}',
    )
    expect(textOf({ n: null }, { schemaEnable: true, stripNulls: false })).toBe('{"n":null}')
  })

  it('writes bytes as base64, dates as text, and big numbers with all digits', () => {
    const value = { bytes: new Uint8Array([1, 2, 3]), at: new Date(0), n: 9007199254740993n }
    expect(textOf(value)).toBe('{"bytes":"AQID","at":"1970-01-01T00:00:00.000Z","n":9007199254740993}')
  })

  it('strips nulls of a JSON text with schemaEnable, without rounding numbers', () => {
    expect(textOf('{"a":null,"n":9007199254740993,"t":"null"}', { schemaEnable: true })).toBe(
      '{"n":9007199254740993,"t":"null"}',
    )
  })

  it('keeps a document in one line', () => {
    expect(textOf('{\n  "a": 1\r\n}')).toBe('{  "a": 1}')
    expect(textOf('{\n"a":1}', { stripNonPrintableCharacters: false })).toBe('{ "a":1}')
  })

  it('removes invisible characters, but no letters and no escapes', () => {
    expect(textOf('{"a":"x\u0000\u200by é 日本 🙂 \\n"}')).toBe('{"a":"xy é 日本 🙂 \\n"}')
    expect(textOf('{"a":"x\u200by"}', { stripNonPrintableCharacters: false })).toBe('{"a":"x\u200by"}')
  })

  it.each([
    ['[1]', 'a list'],
    ['7', 'a number'],
    ['"text"', 'a string'],
    ['null', 'null'],
    ['{"a":', 'not JSON'],
    ['plain', 'not JSON'],
    [7, 'a number'],
    [[1], 'a list'],
  ])('refuses %j', (value, reason) => {
    const refused = expect(() => textOf(value))
    refused.toThrow(expect.objectContaining({ code: 'PIO_ES_MALFORMED', retry: 'reject' }))
    refused.toThrow(reason)
  })

  it('takes no value and an empty one for a tombstone', () => {
    expect(textOf(null)).toBeNull()
    expect(textOf('')).toBeNull()
    expect(textOf(new Uint8Array())).toBeNull()
  })

  it('splits a key-value record', () => {
    const overrides = { schema: { type: 'KEY_VALUE' }, keyValue: { id: 1n }, key: '{"id":1}' } as const
    expect(extract(record<unknown>({ a: 2 }, overrides), configOf())).toMatchObject({
      text: '{"a":2}',
      keyFields: { id: 1n },
    })
    expect(textOf({ a: 2 }, { copyKeyFields: true }, overrides)).toBe('{"id":1,"a":2}')
    const plainKey = { schema: { type: 'KEY_VALUE' }, keyValue: 5, key: '5' } as const
    expect(extract(record<unknown>(null, plainKey), configOf())).toMatchObject({ text: null, key: '5' })
  })

  it('writes what Avro and Protobuf have and JSON has not, without losing a digit', () => {
    const value = {
      id: 9007199254740993n,
      at: new Date(1700000000123),
      micros: '2023-11-14T22:13:20.123456Z',
      amount: '12.30',
      raw: Buffer.from([0, 255]),
      lines: [{ ref: 1n, raw: new Uint8Array([1]) }],
      none: null,
    }
    expect(textOf(value, {}, { schema: { type: 'AVRO' } })).toBe(
      '{"id":9007199254740993,"at":"2023-11-14T22:13:20.123Z","micros":"2023-11-14T22:13:20.123456Z","amount":"12.30","raw":"AP8=","lines":[{"ref":1,"raw":"AQ=="}],"none":null}',
    )
  })

  it('copies the fields of a key that is the text of an object; the document wins', () => {
    expect(textOf('{"a":1}', { copyKeyFields: true }, { key: '{"id":7,"a":0}' })).toBe('{"id":7,"a":1}')
    expect(textOf('{"a":1}', { copyKeyFields: true }, { key: '{no json' })).toBe('{"a":1}')
  })
})
