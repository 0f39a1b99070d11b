import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Candidate, schedule } from '../../src/cluster/schedule.ts'
import { instanceKey } from '../../src/coordination.ts'

const key = fc.tuple(fc.nat(3), fc.nat(5)).map(([c, i]) => instanceKey(`t/n/c${c}`, i))
const keys = fc.uniqueArray(key, { maxLength: 24, size: 'max' })
const workers: fc.Arbitrary<readonly Candidate[]> = fc.uniqueArray(
  fc.record({
    workerId: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    load: fc.constantFrom(0, 0.5, 1),
    draining: fc.boolean(),
  }),
  { selector: ({ workerId }) => workerId, maxLength: 5, size: 'max' },
)
/** Where things are now: also on workers that are gone, and things that are not wanted any more. */
const present = fc
  .array(fc.tuple(key, fc.constantFrom('a', 'a', 'b', 'c', 'd', 'e', 'gone')), { maxLength: 40, size: 'max' })
  .map(pairs => new Map(pairs))

function usable(candidates: readonly Candidate[]): readonly string[] {
  const staying = candidates.filter(({ draining }) => !draining)
  return (staying.length > 0 ? staying : candidates).map(({ workerId }) => workerId)
}

function countsOf(assigned: ReadonlyMap<string, string>, ids: readonly string[]): readonly number[] {
  return ids.map(id => [...assigned.values()].filter(owner => owner === id).length)
}

describe('the scheduler', () => {
  it('gives every wanted instance to one worker, and nothing to one that drains while another is there', () => {
    fc.assert(
      fc.property(keys, workers, present, (wanted, candidates, before) => {
        const assigned = schedule(wanted, candidates, before)
        const ids = usable(candidates)
        expect([...assigned.keys()].sort()).toEqual(ids.length > 0 ? [...wanted].sort() : [])
        for (const owner of assigned.values()) expect(ids).toContain(owner)
      }),
    )
  })

  it('balances within one', () => {
    fc.assert(
      fc.property(keys, workers, present, (wanted, candidates, before) => {
        const ids = usable(candidates)
        fc.pre(ids.length > 0)
        const counts = countsOf(schedule(wanted, candidates, before), ids)
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('moves as few as balance allows', () => {
    fc.assert(
      fc.property(keys, workers, present, (wanted, candidates, before) => {
        const ids = usable(candidates)
        fc.pre(ids.length > 0)
        const assigned = schedule(wanted, candidates, before)
        const kept = wanted.filter(one => assigned.get(one) === before.get(one)).length
        // The best that any balanced assignment can do: the fullest workers get the larger shares.
        const floor = Math.floor(wanted.length / ids.length)
        let extra = wanted.length - floor * ids.length
        const had = ids.map(id => wanted.filter(one => before.get(one) === id).length).sort((a, b) => b - a)
        const best = had.reduce((sum, count) => {
          const share = count > floor && extra > 0 ? floor + 1 : floor
          if (share > floor) extra -= 1
          return sum + Math.min(count, share)
        }, 0)
        expect(kept).toBe(best)
      }),
    )
  })

  it('leaves everything where it is when asked again', () => {
    fc.assert(
      fc.property(keys, workers, present, (wanted, candidates, before) => {
        const once = schedule(wanted, candidates, before)
        const busier = candidates.map(each => ({ ...each, load: 1 - each.load }))
        expect(schedule([...wanted].reverse(), [...busier].reverse(), once)).toEqual(once)
      }),
    )
  })

  it('puts instances of one connector on different workers, and the odd one where there is least to do', () => {
    const ids = ['a', 'b', 'c'].map(workerId => ({ workerId, load: workerId === 'b' ? 0 : 1, draining: false }))
    const wanted = [0, 1, 2, 3].map(i => instanceKey('t/n/x', i))
    const assigned = schedule(wanted, ids, new Map())
    expect(countsOf(assigned, ['a', 'b', 'c'])).toEqual([1, 2, 1])
    const two = ['y', 'x'].flatMap(name => [0, 1].map(i => instanceKey(`t/n/${name}`, i)))
    const spread = schedule(two, ids.slice(0, 2), new Map())
    for (const name of ['x', 'y']) {
      expect(new Set([0, 1].map(i => spread.get(instanceKey(`t/n/${name}`, i)))).size).toBe(2)
    }
  })
})
