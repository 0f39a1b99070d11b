import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codecFor } from '../src/index.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('codecs', () => {
  it('read back what they wrote', () => {
    const json = codecFor({ type: 'JSON' })
    const string = codecFor({ type: 'STRING' })
    const raw = codecFor(undefined)
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'grapheme' }), fc.uint8Array(), (value, text, payload) => {
        expect(json.decode(json.encode(value))).toEqual(JSON.parse(JSON.stringify(value)))
        expect(string.decode(string.encode(text))).toBe(text)
        expect(raw.decode(raw.encode(payload))).toEqual(payload)
      }),
    )
  })

  it('write text and objects into a topic without schema as UTF-8 and JSON', () => {
    expect(codecFor(undefined).encode('grüß')).toEqual(Buffer.from('grüß'))
    expect(codecFor({ type: 'BYTES' }).encode({ a: 1 })).toEqual(Buffer.from('{"a":1}'))
  })

  it('refuse what does not fit, as an error of the record', () => {
    const refusal = (run: () => unknown) => {
      try {
        run()
      } catch (error) {
        return error
      }
      return undefined
    }
    expect(refusal(() => codecFor({ type: 'JSON' }).decode(bytes('{"a":')))).toMatchObject({
      code: 'PIO_SCHEMA_DECODE',
      retry: 'reject',
    })
    expect(refusal(() => codecFor({ type: 'STRING' }).decode(new Uint8Array([0xff])))).toMatchObject({
      code: 'PIO_SCHEMA_DECODE',
    })
    expect(refusal(() => codecFor({ type: 'STRING' }).encode(5))).toMatchObject({
      code: 'PIO_SCHEMA_ENCODE',
      retry: 'reject',
    })
    expect(refusal(() => codecFor({ type: 'JSON' }).encode(undefined))).toMatchObject({ code: 'PIO_SCHEMA_ENCODE' })
    expect(refusal(() => codecFor({ type: 'AVRO' }))).toMatchObject({ code: 'PIO_SCHEMA_TYPE', retry: 'stop' })
  })

  it('keep whole numbers beyond 2^53 exact, as text', () => {
    expect(Buffer.from(codecFor({ type: 'JSON' }).encode({ small: 5n, big: 2n ** 60n })).toString()).toBe(
      '{"small":5,"big":"1152921504606846976"}',
    )
  })
})
