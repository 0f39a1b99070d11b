import { describe, expect, it } from 'vitest'
import { Lease } from '../../src/cluster/lease.ts'
import { Liveness } from '../../src/cluster/liveness.ts'
import { hasEnded, ownProcess } from '../../src/cluster/process-identity.ts'
import type { MemberRecord } from '../../src/cluster/records.ts'

function members(...beats: readonly (readonly [id: string, beat: number])[]): ReadonlyMap<string, MemberRecord> {
  return new Map(beats.map(([id, beat]) => [id, { beat, leaseMs: 1000 } as MemberRecord]))
}

const make = (hasEnded: () => boolean = () => false) => new Liveness({ marginMs: 100, blindAfterMs: 500, hasEnded })

describe('liveness', () => {
  it('gives a member up only when a look that began behind its lease and the margin shows no change', () => {
    const liveness = make()
    liveness.observe(members(['a', 1]), 0, 10)
    for (const asked of [400, 800, 1109]) {
      liveness.observe(members(['a', 1]), asked, asked + 400)
      expect(liveness.isGone('a')).toBe(false)
    }
    liveness.observe(members(['a', 1]), 1_510, 1_511)
    expect(liveness.isGone('a')).toBe(true)
    // Whoever was given up does not come back under that name.
    liveness.observe(members(['a', 2]), 1_600, 1_601)
    expect(liveness.isGone('a')).toBe(true)
  })

  it('counts from the last change', () => {
    const liveness = make()
    for (let time = 0; time <= 5_000; time += 400) liveness.observe(members(['a', time]), time, time)
    expect(liveness.isGone('a')).toBe(false)
  })

  it('knows nothing of the time in which it did not look', () => {
    const liveness = make()
    liveness.observe(members(['a', 1]), 0, 0)
    liveness.observe(members(['a', 1]), 10_000, 10_000)
    expect(liveness.isGone('a')).toBe(false)
    for (const time of [10_400, 10_800, 11_099]) liveness.observe(members(['a', 1]), time, time)
    expect(liveness.isGone('a')).toBe(false)
    liveness.observe(members(['a', 1]), 11_100, 11_100)
    expect(liveness.isGone('a')).toBe(true)
  })

  it('takes one that left for gone, and need not wait long where the process can be seen to have ended', () => {
    const liveness = make(() => true)
    expect(liveness.isGone('a')).toBe(true)
    liveness.observe(members(['a', 1]), 0, 0)
    expect(liveness.isGone('a')).toBe(false)
    liveness.observe(members(['a', 1]), 499, 499)
    expect(liveness.isGone('a')).toBe(false)
    liveness.observe(members(['a', 1]), 600, 600)
    expect(liveness.isGone('a')).toBe(true)
  })
})

describe('a lease', () => {
  it('is lost before it ends, for good, and lasts from before the heartbeat', () => {
    let now = 0
    const lease = new Lease(() => now, 1000, 400, 0)
    now = 500
    expect(lease.renew(300)).toBe(true)
    expect(lease.msUntilLost()).toBe(400)
    now = 899
    expect(lease.held()).toBe(true)
    now = 900
    expect(lease.held()).toBe(false)
    expect(lease.msUntilEnd()).toBe(400)
    expect(lease.renew(899)).toBe(false)
    now = 5_000
    expect(lease.msUntilEnd()).toBe(0)
  })

  it('that was revoked is over at once', () => {
    const lease = new Lease(() => 5, 1000, 400, 0)
    lease.revoke()
    expect(lease.held()).toBe(false)
    expect(lease.msUntilEnd()).toBe(0)
  })
})

describe.skipIf(process.platform !== 'linux')('a process', () => {
  it('has ended when nobody of its number started when it did', () => {
    const self = ownProcess()
    expect(hasEnded(self, self)).toBe(false)
    expect(hasEnded({ ...self, started: '1' }, self)).toBe(true)
    expect(hasEnded({ ...self, pid: 2 ** 22 + 1 }, self)).toBe(true)
    // Of other machines and other namespaces nothing is known.
    expect(hasEnded({ ...self, started: '1', boot: 'another' }, self)).toBe(false)
    expect(hasEnded({ ...self, started: '1', namespace: 'another' }, self)).toBe(false)
    expect(hasEnded({ ...self, started: '' }, self)).toBe(false)
  })
})
