import { describe, expect, it } from 'vitest'
import { javaStringHash, murmur3 } from '../../src/routing/hashes.ts'

/** Key, Murmur3_32Hash and JavaStringHash, as Pulsar's Java client 4.0.8 computes them. */
const BY_JAVA = [
  ['', 0, 0],
  ['a', 1009084850, 97],
  ['ab', 465557343, 3105],
  ['abc', 870159354, 96354],
  ['abcd', 1139631978, 2987074],
  ['abcde', 1755028214, 92599395],
  ['order-1', 1970427425, 940372338],
  ['order-42', 1259446670, 1234255197],
  ['kunde/äöü', 176102460, 1572738400],
  ['日本語', 631534231, 25921943],
  ['😀 emoji', 300550334, 574868297],
  ['x'.repeat(100), 477687954, 1680682496],
  ['The quick brown fox jumps over the lazy dog', 776992547, 1538055507],
] as const

describe('hashes of keys', () => {
  it.each(BY_JAVA)('of %j are those of Java', (key, murmur, java) => {
    expect(murmur3(Buffer.from(key))).toBe(murmur)
    expect(javaStringHash(key)).toBe(java)
  })

  it('of bytes above 127, in the middle of a buffer, are those of Java', () => {
    const bytes = Buffer.from('0080a5caef14395e83a8cdf2173c6186abd0f51a00', 'hex').subarray(1, 20)
    expect(murmur3(bytes)).toBe(247199818)
  })
})
