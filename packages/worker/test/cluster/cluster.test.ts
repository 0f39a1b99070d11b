import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { instanceKey } from '../../src/coordination.ts'
import { eventually, Workers } from './support.ts'

let workers: Workers

beforeEach(async () => {
  workers = await Workers.make()
})

afterEach(() => workers.close())

const keys = (count: number) => Array.from({ length: count }, (_, i) => instanceKey(`public/default/c${i >> 1}`, i & 1))
const sum = () => workers.owners.size

describe('one worker', () => {
  it('leads at once and runs everything', async () => {
    const a = await workers.add('a')
    expect(a.coordinator.isLeader()).toBe(true)
    await a.coordinator.confirmLeader()
    await a.coordinator.propose(keys(4))
    expect([...a.running].sort()).toEqual([...keys(4)].sort())
    expect(a.coordinator.assignments().get(keys(4)[0] ?? '')).toBe('a')
    expect(a.coordinator.leader()?.url).toBe('http://127.0.0.1/a')
    await a.coordinator.propose(keys(2))
    await eventually('the others stop', () => a.running.size === 2)
    await eventually('they are forgotten', () => a.coordinator.assignments().size === 2)
    await expect(a.coordinator.rebalance()).rejects.toThrow('Too few workers')
    await expect(a.coordinator.drain('a')).rejects.toThrow('Too few workers')
  })

  it('comes back to what it had after it left', async () => {
    const a = await workers.add('a')
    await a.coordinator.propose(keys(3))
    await a.leave()
    const b = await workers.add('a')
    await eventually('everything runs', () => b.running.size === 3)
  })
})

describe('several workers', () => {
  it('share instances evenly, and moves as few as it takes when one joins', async () => {
    const a = await workers.add('a')
    const b = await workers.add('b')
    const leader = await workers.leader()
    await leader.propose(keys(8))
    await eventually('both run four', () => String(workers.counts()) === '4,4')
    const before = new Map(workers.owners)
    const c = await workers.add('c')
    await eventually('the third has its share', () => c.running.size >= 2 && sum() === 8)
    expect(workers.counts().map(count => count === 2 || count === 3)).toEqual([true, true, true])
    const moved = [...workers.owners].filter(([key, owner]) => before.get(key) !== owner)
    expect(moved).toHaveLength(c.running.size)
    for (const { coordinator } of [a, b, c]) {
      expect(coordinator.workers().map(({ workerId }) => workerId)).toEqual(['a', 'b', 'c'])
      expect(coordinator.leader()?.workerId).toBe(leader.workerId)
      expect(coordinator.assignments().size).toBe(8)
    }
  })

  it('hands over at once when one leaves, the leader included', async () => {
    const a = await workers.add('a')
    const b = await workers.add('b')
    await (await workers.leader()).propose(keys(6))
    await eventually('both run three', () => String(workers.counts()) === '3,3')
    await a.leave()
    await eventually('the other runs all', () => b.running.size === 6)
    expect(b.coordinator.isLeader()).toBe(true)
    expect(b.coordinator.workers()).toHaveLength(1)
  })

  it('waits for an instance that takes its time to stop', async () => {
    const a = await workers.add('a')
    a.stopMs = 400
    await a.coordinator.propose(keys(4))
    const b = await workers.add('b')
    // The runner fails where two run at once.
    await eventually('each runs two', () => String(workers.counts()) === '2,2' && sum() === 4)
    expect(b.running.size).toBe(2)
  })

  it('takes over from one that vanished, when its lease has ended', async () => {
    const a = await workers.add('a')
    const b = await workers.add('b')
    await a.coordinator.propose(keys(6))
    await eventually('both run three', () => String(workers.counts()) === '3,3')
    await a.vanish()
    await eventually('the other runs all', () => b.running.size === 6)
    expect(b.coordinator.isLeader()).toBe(true)
    await b.coordinator.confirmLeader()
    await expect(b.coordinator.propose(keys(5))).resolves.toBeUndefined()
    await eventually('one less', () => b.running.size === 5)
  })

  it('drains one: everything goes elsewhere and nothing comes', async () => {
    const a = await workers.add('a')
    const b = await workers.add('b')
    await a.coordinator.propose(keys(4))
    await eventually('both run two', () => String(workers.counts()) === '2,2')
    expect(a.coordinator.drainProgress('b').status).toBe('notRun')
    await a.coordinator.drain('b')
    await eventually('the drain is through', () => a.coordinator.drainProgress('b').status === 'completed')
    expect(b.running.size).toBe(0)
    await a.coordinator.propose(keys(6))
    expect(a.running.size).toBe(6)
    await expect(a.coordinator.drain('a')).rejects.toThrow('Too few workers')
    await expect(a.coordinator.drain('x')).rejects.toThrow('there is no worker x; there are a, b')
    await expect(b.coordinator.drain('a')).rejects.toMatchObject({ code: 'PIO_WORKER_NOT_LEADER' })
  })

  it('drains one that asks for it by itself, until its process ends', async () => {
    const a = await workers.add('a')
    const b = await workers.add('b')
    await a.coordinator.propose(keys(4))
    await eventually('both run two', () => String(workers.counts()) === '2,2')
    await b.coordinator.drain('b')
    await eventually('it runs nothing', () => b.running.size === 0 && a.running.size === 4)
    await eventually('and knows', () => b.coordinator.drainProgress('b').status === 'completed')
    await b.leave()
    const again = await workers.add('b')
    await eventually('it has its share', () => again.running.size === 2 && a.running.size === 2)
  })

  it('tells everybody that configurations changed', async () => {
    const a = await workers.add('a')
    const b = await workers.add('b')
    await eventually('b knows the leader', () => b.coordinator.leader()?.workerId === 'a')
    const before = b.changes
    await a.coordinator.announce()
    await eventually('b was told', () => b.changes > before)
    await expect(b.coordinator.confirmLeader()).rejects.toMatchObject({ code: 'PIO_WORKER_NOT_LEADER' })
  })
})
