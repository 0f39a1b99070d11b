import type { InstanceKey } from '../coordination.ts'
import { atLeast, type ClusterState, type InstanceRecord, type MemberRecord, partsOf, type Version } from './records.ts'
import { schedule } from './schedule.ts'

/** Members given up for dead that are remembered. */
const REMEMBERED_DEAD = 64

/** What the leader knows when it decides. */
export interface PlanInput {
  readonly state: ClusterState
  /** Instances that are to run; undefined: those of the state. */
  readonly wanted: ReadonlySet<InstanceKey> | undefined
  /** Everybody who has a record, with it. */
  readonly members: ReadonlyMap<string, MemberRecord>
  /** Whether a member's lease has ended for certain. */
  readonly isGone: (id: string) => boolean
  readonly drain?: ReadonlyMap<string, string>
  /** Whether stored configurations changed. */
  readonly news?: boolean
}

/**
 * The next state, undefined where nothing changes. An instance changes its owner in two steps: it is taken away, and
 * given to the next one when the owner said that it stopped, or when the owner's lease has ended.
 */
export function plan(input: PlanInput): ClusterState | undefined {
  const { state, members } = input
  const revision = state.revision + 1
  const gone = [...members.keys()].filter(id => input.isGone(id))
  const dead = [...state.dead, ...gone.filter(id => !state.dead.includes(id))]
  const live = new Map([...members].filter(([id]) => !dead.includes(id)))
  const asking = [...live].filter(([, member]) => member.draining).map(([id]) => partsOf(id))
  const asked = [...(input.drain ?? []), ...asking.map(({ workerId, process }) => [workerId, process] as const)]
  const draining = stillDraining({ ...state.draining, ...Object.fromEntries(asked) }, live)
  const wanted =
    input.wanted ?? new Set(Object.keys(state.instances).filter(key => state.instances[key]?.removed !== true))
  const targets = targetsOf(state, wanted, live, draining)
  const instances: Record<InstanceKey, InstanceRecord> = {}
  for (const key of new Set([...Object.keys(state.instances), ...wanted])) {
    const next = step({ key, record: state.instances[key], revision, state, live, target: targets.get(key), wanted })
    if (next !== undefined) instances[key] = next
  }
  const next: ClusterState = {
    ...state,
    revision,
    instances,
    draining,
    dead: dead.slice(-REMEMBERED_DEAD),
    news: state.news + (input.news ? 1 : 0),
  }
  return JSON.stringify({ ...next, revision: state.revision }) === JSON.stringify(state) ? undefined : next
}

interface Step {
  readonly key: InstanceKey
  readonly record: InstanceRecord | undefined
  readonly revision: number
  readonly state: Version
  readonly live: ReadonlyMap<string, MemberRecord>
  /** The member that is to have it. */
  readonly target: string | undefined
  readonly wanted: ReadonlySet<InstanceKey>
}

function step({ key, record, revision, state, live, target, wanted }: Step): InstanceRecord | undefined {
  const generation = record?.generation ?? 0
  if (record === undefined || isFree(key, record, state, live)) {
    if (!wanted.has(key)) return undefined
    if (target !== undefined) return { owner: target, generation: generation + 1 }
    return { owner: '', generation }
  }
  const { owner } = record
  const leaving = record.leaving ?? revision
  if (!wanted.has(key)) return { owner, generation, leaving, removed: true }
  if (record.leaving !== undefined) return { owner, generation, leaving }
  if (target === undefined || partsOf(target).workerId === partsOf(owner).workerId) return record
  return { owner, generation, leaving }
}

/** Whether nobody runs it, nor may begin to. */
function isFree(
  key: InstanceKey,
  { owner, leaving }: InstanceRecord,
  { term }: Version,
  live: ReadonlyMap<string, MemberRecord>,
): boolean {
  const member = live.get(owner)
  if (member === undefined) return true
  if (leaving === undefined) return false
  return atLeast(member.seen, { term, revision: leaving }) && !member.stopping.includes(key)
}

/** Instance → member. */
function targetsOf(
  state: ClusterState,
  wanted: ReadonlySet<InstanceKey>,
  live: ReadonlyMap<string, MemberRecord>,
  draining: ClusterState['draining'],
): ReadonlyMap<InstanceKey, string> {
  // A process that was started again, or came back, has the newest record of its worker id, which stands last.
  const memberOf = new Map([...live.keys()].map(id => [partsOf(id).workerId, id]))
  const candidates = [...memberOf].map(([workerId, id]) => ({
    workerId,
    load: live.get(id)?.load ?? 0,
    draining: draining[workerId] !== undefined,
  }))
  const present = new Map<InstanceKey, string>()
  for (const [key, { owner }] of Object.entries(state.instances)) {
    if (owner !== '') present.set(key, partsOf(owner).workerId)
  }
  const targets = schedule([...wanted], candidates, present)
  return new Map([...targets].map(([key, workerId]) => [key, memberOf.get(workerId) ?? '']))
}

/** A drain ends with the process that it was asked for. */
function stillDraining(
  draining: ClusterState['draining'],
  live: ReadonlyMap<string, MemberRecord>,
): ClusterState['draining'] {
  const processes = new Set([...live.keys()].map(id => `${partsOf(id).workerId}/${partsOf(id).process}`))
  return Object.fromEntries(
    Object.entries(draining).filter(([workerId, process]) => processes.has(`${workerId}/${process}`)),
  )
}
