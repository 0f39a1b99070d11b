import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, stringifyJson } from '../src/index.ts'

describe('JSON', () => {
  it('keeps whole numbers of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt()), numbers => {
        const text = stringifyJson({ numbers })
        expect(text).toBe(`{"numbers":[${numbers.join(',')}]}`)
        expect((parseJson(text) as { numbers: unknown[] }).numbers.map(each => BigInt(each as number))).toEqual(numbers)
      }),
    )
  })

  it('finds a long number wherever it stands', () => {
    for (let before = 0; before < 40; before++) {
      const text = `${' '.repeat(before)}9007199254740993`
      expect(parseJson(text)).toBe(9007199254740993n)
      expect(parseJson(`${' '.repeat(before)}900719925474099`)).toBe(900719925474099)
    }
  })

  it('says what JSON.stringify says of what JSON has', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(stringifyJson(value)).toBe(JSON.stringify(value))
        expect(stringifyJson(parseJson(stringifyJson(value)))).toBe(JSON.stringify(value))
      }),
    )
  })

  it('leaves numbers that a double holds, and digits in text', () => {
    expect(
      parseJson('[12345678901234567890, 1.2345678901234567, 1e20, -9007199254740991, "12345678901234567890"]'),
    ).toEqual([12345678901234567890n, 1.2345678901234567, 1e20, -9007199254740991, '12345678901234567890'])
  })

  it('writes bytes as base64, dates as ISO text, maps as objects, wherever they are', () => {
    const value = { a: [Buffer.from('hi'), new Uint8Array([255])], b: { at: new Date(0) }, c: new Map([['k', 1n]]) }
    expect(stringifyJson(value)).toBe('{"a":["aGk=","/w=="],"b":{"at":"1970-01-01T00:00:00.000Z"},"c":{"k":1}}')
    expect(stringifyJson(new Uint8Array([1, 2, 3]))).toBe('"AQID"')
    expect(stringifyJson({ a: 1 }, 2)).toBe('{\n  "a": 1\n}')
  })

  it('refuses what has no JSON form', () => {
    expect(() => stringifyJson(undefined)).toThrow(TypeError)
    expect(() => stringifyJson(() => 1)).toThrow('function has no JSON form')
  })
})
