import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Liveness, type StuckFinding, StuckWatch } from '../src/stuck-watch.ts'

const LIMIT_MS = 10_000
let found: StuckFinding[]
let watch: StuckWatch

beforeEach(() => {
  vi.useFakeTimers()
  found = []
  watch = new StuckWatch(LIMIT_MS, finding => found.push(finding))
  watch.begin()
})
afterEach(() => {
  watch.end()
  vi.useRealTimers()
})

/** The instance tells the same five times a second. */
function tells(liveness: Partial<Liveness>, forMs: number, received = 0): void {
  for (let passed = 0; passed < forMs; passed += 200) {
    watch.hear({ progress: 1, waitsFor: 'a write', inHand: true, ...liveness }, received)
    vi.advanceTimersByTime(200)
  }
}

describe('a watch', () => {
  it('finds an instance that has records and gets on with none of them, once', () => {
    tells({}, LIMIT_MS / 2)
    expect(found).toEqual([])
    tells({}, 3 * LIMIT_MS)
    expect(found).toEqual([{ waitsFor: 'a write', silent: false }])
  })

  it('begins anew with each step, and where there is nothing to do', () => {
    for (let progress = 2; progress < 8; progress++) tells({ progress }, LIMIT_MS / 2)
    tells({ waitsFor: undefined }, 2 * LIMIT_MS)
    expect(found).toEqual([])
  })

  it('finds an instance that was heard of and is not any more', () => {
    vi.advanceTimersByTime(2 * LIMIT_MS)
    expect(found).toEqual([])
    tells({ waitsFor: undefined }, 1_000)
    vi.advanceTimersByTime(2 * LIMIT_MS)
    expect(found).toMatchObject([{ silent: true }])
  })

  it('blames nobody for a time in which it could not look itself', () => {
    tells({}, LIMIT_MS / 2)
    vi.setSystemTime(Date.now() + 10 * LIMIT_MS)
    tells({ progress: 2 }, LIMIT_MS / 2)
    expect(found).toEqual([])
  })

  it('does not repeat a start that brought no messages, until some came', () => {
    const missing = { inHand: false, waitsFor: '3 messages' }
    tells(missing, 2 * LIMIT_MS)
    expect(found).toHaveLength(1)
    watch.begin()
    tells(missing, 5 * LIMIT_MS)
    expect(found).toHaveLength(1)
    tells({ ...missing, progress: 2 }, 2 * LIMIT_MS, 1)
    expect(found).toHaveLength(2)
  })
})
