import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Gate } from '../src/gate.ts'
import { SharedLock } from '../src/shared-lock.ts'

let directory: string
let gates: Gate[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pio-gate-'))
  gates = []
})
afterEach(() => {
  vi.restoreAllMocks()
  for (const gate of gates) gate.close()
  rmSync(directory, { recursive: true, force: true })
})

/** A gate as each thread has one of its own. */
function gate(): Gate {
  const one = new Gate(directory)
  gates.push(one)
  return one
}

describe('the gate of an embedded log', () => {
  it('lets many wait without keeping the processor busy: the longer it takes, the more seldom they look', async () => {
    const [first, writer, closer] = [gate(), gate(), gate()]
    const looks = [vi.spyOn(SharedLock.prototype, 'tryShared'), vi.spyOn(SharedLock.prototype, 'tryAlone')]
    const order: string[] = []
    let waiting: Promise<unknown>[] = []
    await first.alone(async () => {
      for (const look of looks) look.mockClear()
      waiting = [
        writer.enter()?.then(() => order.push('written')) ?? Promise.resolve(),
        closer.alone(() => order.push('alone')),
      ]
      await sleep(500)
      order.push('first')
    })
    // Each millisecond would be some hundreds for either.
    for (const look of looks) expect(look.mock.calls.length).toBeLessThan(60)
    await waiting[0]
    writer.leave()
    await waiting[1]
    expect(order[0]).toBe('first')
    expect(order.slice(1).sort()).toEqual(['alone', 'written'])
  })

  it('leaves the turnstile to writers while others stand in line to be alone', async () => {
    const [first, ...line] = [gate(), gate(), gate(), gate()]
    const looks = vi.spyOn(SharedLock.prototype, 'tryAlone')
    const order: number[] = []
    let waiting: Promise<unknown>[] = []
    await first.alone(async () => {
      waiting = line.map((one, i) => one.alone(() => order.push(i)))
      await sleep(100)
      const turnstiles = line.map(one => Reflect.get(one, 'turnstile'))
      expect(looks.mock.contexts.filter(lock => turnstiles.includes(lock))).toEqual([])
    })
    await Promise.all(waiting)
    expect(order.sort()).toEqual([0, 1, 2])
  })
})
