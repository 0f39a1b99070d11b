import { afterEach, describe, expect, it, vi } from 'vitest'
import { TaskStats } from '../../src/task/stats.ts'

afterEach(() => {
  vi.useRealTimers()
})

describe('the numbers of a task', () => {
  it('count idleness from when it runs, and anew when it runs again after a lost connection', () => {
    vi.useFakeTimers()
    const stats = new TaskStats(text => text)
    vi.advanceTimersByTime(3000)
    stats.become('running')
    expect(stats.snapshot(0).idleMs).toBe(0)
    vi.advanceTimersByTime(1000)
    stats.become('reconnecting', 'away')
    vi.advanceTimersByTime(20_000)
    stats.become('running')
    expect(stats.snapshot(0).idleMs).toBe(0)
    vi.advanceTimersByTime(500)
    expect(stats.snapshot(0).idleMs).toBe(500)
  })

  it('tell what batches took lately, and forget what they took before', () => {
    vi.useFakeTimers()
    const stats = new TaskStats(text => text)
    expect(stats.snapshot(0).recentLatency).toBeUndefined()
    for (let i = 0; i < 99; i++) stats.latency.observe(8)
    stats.latency.observe(60_000)
    const { recentLatency } = stats.snapshot(0)
    expect(recentLatency?.p50).toBeCloseTo(5 + (5 * 50) / 99)
    expect(recentLatency?.p99).toBe(10)
    vi.advanceTimersByTime(10_000)
    expect(stats.snapshot(0).recentLatency).toEqual(recentLatency)
    stats.latency.observe(60_000)
    vi.advanceTimersByTime(10_000)
    expect(stats.snapshot(0).recentLatency).toEqual({ p50: 30_000, p99: 30_000 })
    vi.advanceTimersByTime(20_000)
    stats.snapshot(0)
    vi.advanceTimersByTime(20_000)
    expect(stats.snapshot(0).recentLatency).toBeUndefined()
  })
})
