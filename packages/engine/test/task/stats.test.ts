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
})
