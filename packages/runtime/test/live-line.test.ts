import type { InstanceSnapshot, RunningConnector } from '@pulsar-io/engine'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLiveLine } from '../src/live-line.ts'
import { createLogging } from '../src/logging.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function connector(snapshot: Partial<InstanceSnapshot>, kind = 'sink'): RunningConnector {
  const numbers = { state: 'running', written: 0, inFlight: 0, retried: 0, deadLettered: 0, lag: undefined }
  return { name: 'es', kind, snapshots: () => [{ ...numbers, ...snapshot }] } as unknown as RunningConnector
}

describe('live line', () => {
  it('shows the numbers, stays below log lines, fits the terminal, and goes away', () => {
    const written: string[] = []
    const terminal = { isTTY: true, columns: 60, write: (text: string) => written.push(text) }
    const live = createLiveLine(terminal, false)
    live.start([
      connector({ written: 1234, lag: 5, inFlight: 2, state: 'reconnecting', reason: 'no answer from there' }),
    ])
    vi.advanceTimersByTime(250)
    const line = '4,936/s · 1,234 written · lag 5 · in flight 2 · retried 0 ·'
    expect(written).toEqual([line])
    expect(line).toHaveLength(59)

    live.stream.write('a log line\n')
    expect(written.slice(1)).toEqual(['\r\x1b[K', 'a log line\n', '\r\x1b[K', line])
    live.stop()
    expect(written.at(-1)).toBe('\r\x1b[K')
    vi.advanceTimersByTime(1000)
    expect(written.at(-1)).toBe('\r\x1b[K')
  })
})

describe('live line of a pipeline', () => {
  it('counts a record once that goes through a source and a sink', () => {
    const written: string[] = []
    const live = createLiveLine({ write: (text: string) => written.push(text) }, false)
    live.start([connector({ written: 9 }, 'source'), connector({ written: 7, lag: 2 })])
    vi.advanceTimersByTime(250)
    live.stop()
    expect(written[0]).toBe('28/s · 9 read · 7 written · lag 2 · in flight 0 · retried 0 · dead 0')
  })
})

describe('logging', () => {
  const line = {
    level: 'warn',
    time: 0,
    message: 'm',
    connector: 'a/b/c',
    instance: 1,
    fields: { n: 1n, text: 'x' },
  } as const

  it('writes JSON where nobody looks, and text on a terminal', () => {
    const written: string[] = []
    const stream = (isTTY: boolean) => ({ isTTY, write: (text: string) => written.push(text) })
    createLogging({ stream: stream(false), color: false }).log(line)
    createLogging({ stream: stream(true), color: false }).log(line)
    createLogging({ stream: stream(true), color: false, level: 'error' }).log(line)
    expect(written).toHaveLength(2)
    expect(JSON.parse(written[0] ?? '')).toEqual({
      level: 'warn',
      time: '1970-01-01T00:00:00.000Z',
      connector: 'a/b/c',
      instance: 1,
      msg: 'm',
      n: '1',
      text: 'x',
    })
    expect(written[1]).toMatch(/^\d\d:\d\d:\d\d WARN {2}a\/b\/c\/1 m n="1" text=x\n$/)
  })
})
