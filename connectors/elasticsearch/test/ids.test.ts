import { describe, expect, it } from 'vitest'
import { fieldsId, finishId, keyFieldsId, positionId } from '../src/ids.ts'

const NONE = { idHashingAlgorithm: 'NONE', conditionalIdHashing: false } as const

describe('ids', () => {
  it('tells every position of every partition and topic apart, and the same one again', () => {
    const position = { ledgerId: 7n, entryId: 8n, batchIndex: 9 }
    const id = positionId({ topic: 'persistent://a/b/c', partition: 3, position })
    expect(id).toBe('persistent://a/b/c-3-7-8-9')
    expect(positionId({ topic: 'persistent://a/b/c', partition: 3, position: { ...position } })).toBe(id)
    expect(positionId({ topic: 'persistent://a/b/c', partition: 4, position })).not.toBe(id)
  })

  it('is one field bare, and several as a JSON list, as the Java sink has it', () => {
    const source = { name: 'jo', n: 7, nested: { b: 1, a: 2 } }
    expect(fieldsId(source, ['name'], false)).toBe('jo')
    expect(fieldsId(source, ['n'], false)).toBe('7')
    expect(fieldsId(source, ['name', 'n'], false)).toBe('["jo",7]')
    expect(fieldsId(source, ['nested'], false)).toBe('{"b":1,"a":2}')
    expect(fieldsId(source, ['nested'], true)).toBe('{"a":2,"b":1}')
  })

  it('keeps all digits of a 64-bit number', () => {
    expect(fieldsId({ n: 9007199254740993n }, ['n'], false)).toBe('9007199254740993')
    expect(fieldsId({ n: 9007199254740993n, m: 1 }, ['n', 'm'], false)).toBe('[9007199254740993,1]')
  })

  it('makes the same id of a key whatever the order of its fields, when canonical', () => {
    expect(keyFieldsId({ b: 2, a: 1 }, false)).toBe('[2,1]')
    expect(keyFieldsId({ b: 2, a: 1 }, true)).toBe('[1,2]')
  })

  it('refuses a missing field, because such documents would replace each other', () => {
    expect(() => fieldsId({ a: 1 }, ['a', 'b'], false)).toThrow(/no "b"/)
    expect(() => fieldsId({ a: null }, ['a'], false)).toThrow(expect.objectContaining({ code: 'PIO_ES_ID' }))
  })

  it('hashes every id, or only long ones', () => {
    const sha = { idHashingAlgorithm: 'SHA256', conditionalIdHashing: false } as const
    // printf abc | openssl sha256 -binary | base64
    expect(finishId('abc', sha)).toBe('ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0')
    expect(finishId('abc', { ...sha, conditionalIdHashing: true })).toBe('abc')
    expect(finishId('é'.repeat(256), { ...sha, conditionalIdHashing: true })).toBe('é'.repeat(256))
    expect(finishId('é'.repeat(257), { ...sha, conditionalIdHashing: true })).toHaveLength(43)
    expect(finishId('abc', { ...sha, idHashingAlgorithm: 'SHA512' })).toHaveLength(86)
  })

  it('refuses an id that no server takes, and says how to go on', () => {
    expect(finishId('x'.repeat(512), NONE)).toHaveLength(512)
    expect(() => finishId('x'.repeat(513), NONE)).toThrow(/513 bytes.*idHashingAlgorithm/)
  })
})
