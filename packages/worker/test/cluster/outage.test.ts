import type { KeyValueStore, MessagingClient } from '@pulsar-io/messaging'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { instanceKey } from '../../src/coordination.ts'
import { eventually, LEASE_MS, Workers } from './support.ts'

/** A client whose stores can be cut off: then they fail at once, or answer only when they are back. */
class Outage {
  readonly client: MessagingClient
  #mode: 'none' | 'fails' | 'hangs' = 'none'
  #back: (() => void)[] = []

  constructor(client: MessagingClient) {
    this.client = new Proxy(client, {
      get: (target, name) => {
        if (name === 'openStore') return async (store: string) => this.#wrap(await client.openStore(store))
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  begin(mode: 'fails' | 'hangs'): void {
    this.#mode = mode
  }

  end(): void {
    this.#mode = 'none'
    for (const back of this.#back.splice(0)) back()
  }

  #wrap(store: KeyValueStore): KeyValueStore {
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (name === 'close') return value.bind(target)
        return async (...args: unknown[]) => {
          if (this.#mode === 'fails') throw new Error('cut off')
          if (this.#mode === 'hangs') await new Promise<void>(resolve => this.#back.push(resolve))
          return value.apply(target, args)
        }
      },
    })
  }
}

let workers: Workers
const outages: Outage[] = []

beforeEach(async () => {
  workers = await Workers.make()
})

afterEach(async () => {
  for (const outage of outages.splice(0)) outage.end()
  await workers.close()
  // A runner that begins what still runs elsewhere fails in its listener.
  expect(workers.logged.filter(line => line.includes('what follows from a change'))).toEqual([])
})

async function cuttable(): Promise<Outage> {
  const outage = new Outage(await workers.client())
  outages.push(outage)
  return outage
}

const keys = [0, 1, 2, 3, 4, 5].map(i => instanceKey('public/default/c', i))

describe.each(['fails', 'hangs'] as const)('a store that %s', mode => {
  it('makes a worker stop everything before another one begins, and it comes back', async () => {
    const outage = await cuttable()
    const a = await workers.add('a')
    const b = await workers.add('b', { client: outage.client })
    await a.coordinator.propose(keys)
    await eventually('both run three', () => String(workers.counts()) === '3,3')
    outage.begin(mode)
    await eventually('the other runs all', () => a.running.size === 6)
    expect(b.running.size).toBe(0)
    expect(b.coordinator.mine().size).toBe(0)
    expect(b.coordinator.stopWithinMs()).toBeLessThanOrEqual(LEASE_MS)
    expect(b.coordinator.take(keys[0] ?? '')).toBe(false)
    outage.end()
    await eventually('both run three again', () => String(workers.counts()) === '3,3')
    expect(b.coordinator.stopWithinMs()).toBe(Number.POSITIVE_INFINITY)
  })

  it('deposes a leader, who does not lead any more when it is back', async () => {
    const outage = await cuttable()
    const a = await workers.add('a', { client: outage.client })
    const b = await workers.add('b')
    await a.coordinator.propose(keys)
    await eventually('both run three', () => String(workers.counts()) === '3,3')
    outage.begin(mode)
    await eventually('the other leads', () => b.coordinator.isLeader())
    expect(a.coordinator.isLeader()).toBe(false)
    await b.coordinator.propose(keys.slice(0, 4))
    await eventually('it runs all', () => b.running.size === 4)
    outage.end()
    await eventually('both run two', () => String(workers.counts()) === '2,2')
    expect(b.coordinator.isLeader()).toBe(true)
    await expect(a.coordinator.confirmLeader()).rejects.toMatchObject({ code: 'PIO_WORKER_NOT_LEADER' })
    expect(a.coordinator.leader()?.workerId).toBe('b')
  })

  it('for everybody stops everything, and all of it runs again afterwards', async () => {
    const both = [await cuttable(), await cuttable()]
    const a = await workers.add('a', { client: both[0]?.client as MessagingClient })
    await workers.add('b', { client: both[1]?.client as MessagingClient })
    await a.coordinator.propose(keys)
    await eventually('both run three', () => String(workers.counts()) === '3,3')
    for (const outage of both) outage.begin(mode)
    await eventually('nothing runs', () => workers.owners.size === 0)
    for (const outage of both) outage.end()
    await eventually('everything runs', () => String(workers.counts()) === '3,3')
  })
})

describe('an instance that does not stop', () => {
  it('keeps its worker from coming back, and nobody else waits longer than the lease', async () => {
    const outage = await cuttable()
    const a = await workers.add('a')
    const b = await workers.add('b', { client: outage.client })
    await a.coordinator.propose(keys)
    await eventually('both run three', () => String(workers.counts()) === '3,3')
    const stuck = keys.find(key => b.running.has(key)) ?? ''
    // As if one of them never ended: it is taken, and not released.
    b.running.delete(stuck)
    workers.owners.delete(stuck)
    outage.begin('fails')
    await eventually('the other runs all', () => a.running.size === 6)
    outage.end()
    await new Promise(resolve => setTimeout(resolve, LEASE_MS))
    expect(b.coordinator.mine().size).toBe(0)
    b.coordinator.released(stuck)
    await eventually('both run three again', () => String(workers.counts()) === '3,3')
  })
})
