import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closest, comparePositions, formatPosition, parseDuration, parsePosition, parseSize } from '../src/index.ts'

const position = fc.record({
  ledgerId: fc.bigInt({ min: 0n, max: 2n ** 63n }),
  entryId: fc.bigInt({ min: 0n, max: 2n ** 63n }),
  batchIndex: fc.integer({ min: -1, max: 5000 }),
})

describe('positions', () => {
  it('survive being written and read', () => {
    fc.assert(
      fc.property(position, one => {
        expect(parsePosition(formatPosition(one))).toEqual(one)
      }),
    )
  })

  it('are ordered by ledger, entry and batch index', () => {
    const at = (text: string) => parsePosition(text)
    const sorted = ['2:0:-1', '1:10:0', '1:9:3', '1:9:-1', '1:9:0'].map(at).sort(comparePositions).map(formatPosition)
    expect(sorted).toEqual(['1:9:-1', '1:9:0', '1:9:3', '1:10:0', '2:0:-1'])
  })

  it('are refused when they are none', () => {
    expect(() => parsePosition('earliest')).toThrow(/not a position: "earliest"/)
    expect(parsePosition('5:6')).toEqual({ ledgerId: 5n, entryId: 6n, batchIndex: -1 })
  })
})

describe('closest', () => {
  it.each([
    ['sinkconfig', ['sink-config', 'source-config'], 'sink-config'],
    ['EFFECTIVLY_ONCE', ['ATLEAST_ONCE', 'ATMOST_ONCE', 'EFFECTIVELY_ONCE'], 'EFFECTIVELY_ONCE'],
    ['prot', ['port', 'host'], 'port'],
    ['xyz', ['port', 'host'], undefined],
    ['elasticSearchURL', ['elasticSearchUrl', 'indexName'], 'elasticSearchUrl'],
  ])('of %s among %j is %s', (word, candidates, expected) => {
    expect(closest(word, candidates)).toBe(expected)
  })
})

describe('durations and sizes', () => {
  it.each([
    ['500ms', 500],
    ['2s', 2000],
    ['1.5m', 90_000],
    ['7d', 604_800_000],
    ['250', 250],
    ['soon', undefined],
  ])('%s is %s ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each([
    ['64KiB', 65_536],
    ['5MiB', 5_242_880],
    ['1GB', 1_000_000_000],
    ['10', 10],
    ['lots', undefined],
  ])('%s is %s bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })
})
