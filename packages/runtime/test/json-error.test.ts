import { describe, expect, it } from 'vitest'
import { jsonMistake } from '../src/config/json-error.ts'

function mistake(text: string) {
  try {
    JSON.parse(text)
  } catch (error) {
    return jsonMistake(text, error)
  }
  throw new Error('this is JSON')
}

describe('jsonMistake', () => {
  it.each([
    ['{"a":1,}', 'expected double-quoted property name', 7],
    ['{"a": asd}', "unexpected 'a'", 6],
    ['{"first": 1, "password": hunter2hunter2, "x": "yyyyyyyyyyyyyyyyyyy"}', "unexpected 'h'", 25],
    ['{"a": trux}', "unexpected 'x'", 9],
    ['{"a":1} x', 'unexpected non-whitespace character', 8],
    ['{"a":', 'it ends too early', 5],
    ['', 'it ends too early', 0],
  ])('of %s', (text, message, position) => {
    expect(mistake(text)).toEqual({ message, position })
  })
})
