import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plan } from '../../src/cluster/plan.ts'
import { type ClusterState, type MemberRecord, memberId } from '../../src/cluster/records.ts'
import { instanceKey } from '../../src/coordination.ts'

const EMPTY: ClusterState = {
  term: 3,
  revision: 0,
  leader: memberId('a', 'p0', 1),
  instances: {},
  dead: [],
  draining: {},
  news: 0,
}

function member(workerId: string, over: Partial<MemberRecord> = {}): MemberRecord {
  return {
    workerId,
    workerHostname: 'h',
    port: 1,
    url: 'http://h:1',
    process: { boot: '', namespace: '', pid: 1, started: '' },
    beat: 1,
    leaseMs: 1000,
    seen: { term: 0, revision: 0 },
    stopping: [],
    instances: 0,
    load: 0,
    draining: false,
    freeMemory: 1,
    ...over,
  }
}

/** A cluster on paper: what each member has seen and what it still runs are up to the test. */
class Paper {
  state = EMPTY
  wanted: ReadonlySet<string> = new Set()
  readonly members = new Map<string, MemberRecord>()
  readonly gone = new Set<string>()
  processes = 0

  join(workerId: string): void {
    this.members.set(memberId(workerId, `p${String(this.processes++).padStart(4, '0')}`, 1), member(workerId))
  }

  change(id: string, over: Partial<MemberRecord>): void {
    const record = this.members.get(id)
    if (record !== undefined) this.members.set(id, { ...record, ...over })
  }

  /** The member reads the state, and stops what it has to, or not yet. */
  beat(id: string, stops: boolean): void {
    const { term, revision, instances } = this.state
    const leaving = Object.keys(instances).filter(
      key => instances[key]?.owner === id && instances[key]?.leaving !== undefined,
    )
    this.change(id, { seen: { term, revision }, stopping: stops ? [] : leaving })
  }

  /** One decision, and what has to be true of it. */
  decide(): boolean {
    const before = this.state
    const next = plan({
      state: before,
      wanted: this.wanted,
      members: this.members,
      isGone: id => this.gone.has(id) || !this.members.has(id),
    })
    if (next === undefined) return false
    this.state = next
    for (const key of new Set([...Object.keys(before.instances), ...Object.keys(next.instances)])) {
      const [old, now] = [before.instances[key], next.instances[key]]
      if (old === undefined || old.owner === '' || old.owner === now?.owner) continue
      const owner = this.gone.has(old.owner) ? undefined : this.members.get(old.owner)
      // It changed hands, so its owner was dead, or had said that it stopped.
      if (owner === undefined) continue
      expect(old.leaving).toBeDefined()
      expect(owner.seen).toMatchObject({ term: before.term })
      expect(owner.seen.revision).toBeGreaterThanOrEqual(old.leaving ?? Number.POSITIVE_INFINITY)
      expect(owner.stopping).not.toContain(key)
      expect(now === undefined || now.generation > old.generation || now.owner === '').toBe(true)
    }
    return true
  }
}

const operation = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), worker: fc.constantFrom('a', 'b', 'c', 'd') }),
  fc.record({ kind: fc.constantFrom('die' as const, 'leave' as const, 'drain' as const), at: fc.nat(5) }),
  fc.record({ kind: fc.constant('beat' as const), at: fc.nat(5), stops: fc.boolean() }),
  fc.record({ kind: fc.constant('want' as const), keys: fc.uniqueArray(fc.nat(11)) }),
)

const keyOf = (i: number) => instanceKey(`t/n/c${i % 4}`, i)

describe('the plan', () => {
  it('takes nothing from an owner who lives and has not said that it stopped, and comes to rest', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), operations => {
        const paper = new Paper()
        paper.join('a')
        for (const each of operations) {
          const ids = [...paper.members.keys()]
          const id = 'at' in each ? (ids[each.at % Math.max(1, ids.length)] ?? '') : ''
          if (each.kind === 'join') paper.join(each.worker)
          else if (each.kind === 'die') paper.gone.add(id)
          else if (each.kind === 'leave') paper.members.delete(id)
          else if (each.kind === 'drain') paper.change(id, { draining: true })
          else if (each.kind === 'beat') paper.beat(id, each.stops)
          else if (each.kind === 'want') paper.wanted = new Set(each.keys.map(keyOf))
          paper.decide()
        }
        for (let round = 0; round < 20; round += 1) {
          for (const id of paper.members.keys()) paper.beat(id, true)
          paper.decide()
        }
        expect(paper.decide()).toBe(false)
        atRest(paper)
      }),
      { numRuns: 300 },
    )
  })

  it('forgets nothing that runs when a new leader begins without knowing what is wanted', () => {
    const paper = new Paper()
    paper.join('a')
    paper.wanted = new Set([0, 1, 2].map(keyOf))
    paper.decide()
    const same = plan({ state: paper.state, wanted: undefined, members: paper.members, isGone: () => false })
    expect(same).toBeUndefined()
  })
})

function atRest({ state, wanted, members, gone }: Paper): void {
  const live = [...members].filter(([id]) => !gone.has(id))
  const records = Object.entries(state.instances)
  if (live.length === 0) return
  expect(records.map(([key]) => key).sort()).toEqual([...wanted].sort())
  for (const [, { owner, leaving }] of records) {
    expect(live.map(([id]) => id)).toContain(owner)
    expect(leaving).toBeUndefined()
  }
  const staying = new Set(
    live.map(([, { workerId }]) => workerId).filter(workerId => state.draining[workerId] === undefined),
  )
  const counts = new Map([...staying].map(workerId => [workerId, 0]))
  for (const [, { owner }] of records) {
    const workerId = members.get(owner)?.workerId ?? ''
    if (staying.size > 0) expect(staying).toContain(workerId)
    counts.set(workerId, (counts.get(workerId) ?? 0) + 1)
  }
  expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1)
}
