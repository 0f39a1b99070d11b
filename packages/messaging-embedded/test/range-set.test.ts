import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter } from '../src/bytes.ts'
import { RangeSet } from '../src/range-set.ts'

const LIMIT = 40

type Step = { readonly add: boolean; readonly start: number; readonly end: number }

const steps = fc.array(
  fc
    .record({ add: fc.boolean(), start: fc.nat(LIMIT), length: fc.nat(12) })
    .map(({ add, start, length }): Step => ({ add, start, end: Math.min(LIMIT, start + length) })),
  { maxLength: 40 },
)

function build(of: readonly Step[]): { readonly set: RangeSet; readonly model: Set<number> } {
  const set = new RangeSet()
  const model = new Set<number>()
  for (const { add, start, end } of of) {
    if (add) set.add(start, end)
    else set.remove(start, end)
    for (let i = start; i < end; i += 1) {
      if (add) model.add(i)
      else model.delete(i)
    }
  }
  return { set, model }
}

function numbers(set: RangeSet): number[] {
  const all: number[] = []
  set.visit((start, end) => {
    for (let i = start; i < end; i += 1) all.push(i)
  })
  return all
}

function sorted(model: ReadonlySet<number>): number[] {
  return [...model].sort((a, b) => a - b)
}

describe('RangeSet', () => {
  it('agrees with a plain set after any additions and removals', () => {
    fc.assert(
      fc.property(steps, of => {
        const { set, model } = build(of)
        expect(numbers(set)).toEqual(sorted(model))
        expect(set.size).toBe(model.size)
        expect(set.first).toBe(sorted(model)[0])
        for (let i = 0; i <= LIMIT; i += 1) {
          expect(set.has(i)).toBe(model.has(i))
          let absent = i
          while (model.has(absent)) absent += 1
          expect(set.firstAbsent(i)).toBe(absent)
        }
      }),
    )
  })

  it('keeps ranges apart that do not touch, and only those', () => {
    fc.assert(
      fc.property(steps, of => {
        const { set } = build(of)
        let last = -1
        set.visit((start, end) => {
          expect(start).toBeGreaterThan(last)
          expect(end).toBeGreaterThan(start)
          last = end
        })
      }),
    )
  })

  it('adds, subtracts and intersects whole sets', () => {
    fc.assert(
      fc.property(steps, steps, fc.nat(LIMIT), fc.nat(LIMIT), (a, b, start, end) => {
        const { set, model } = build(a)
        const other = build(b)
        const union = set.clone()
        union.addAll(other.set)
        expect(numbers(union)).toEqual(sorted(new Set([...model, ...other.model])))
        const rest = set.clone()
        rest.removeAll(other.set)
        expect(numbers(rest)).toEqual(sorted(model).filter(i => !other.model.has(i)))
        expect(rest.size).toBe(numbers(rest).length)
        expect(numbers(set.intersection(start, end))).toEqual(sorted(model).filter(i => i >= start && i < end))
        expect(numbers(set)).toEqual(sorted(model))
      }),
    )
  })

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(steps, fc.nat(2 ** 40), (of, offset) => {
        const { set } = build(of)
        const moved = new RangeSet()
        set.visit((start, end) => {
          moved.add(start + offset, end + offset)
        })
        const out = new ByteWriter()
        moved.write(out)
        const back = RangeSet.read(new ByteReader(out.finish()))
        expect(back).toEqual(moved)
      }),
    )
  })
})
