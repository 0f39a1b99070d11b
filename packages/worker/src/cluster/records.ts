import * as z from 'zod'

/** A point in the history of assignments: a leader's term, and its count of changes in it. */
export interface Version {
  readonly term: number
  readonly revision: number
}

/** Whether `a` is behind `b`, or the same. */
export function atLeast(a: Version, b: Version): boolean {
  return a.term > b.term || (a.term === b.term && a.revision >= b.revision)
}

const version = z.object({ term: z.int(), revision: z.int() })

const member = z.object({
  workerId: z.string(),
  workerHostname: z.string(),
  port: z.number(),
  url: z.string(),
  process: z.object({ boot: z.string(), namespace: z.string(), pid: z.number(), started: z.string() }),
  /** Differs from heartbeat to heartbeat. */
  beat: z.int(),
  leaseMs: z.number().positive(),
  /** The newest assignments it has acted on: it begins nothing any more that these do not give it. */
  seen: version,
  /** What it still runs although `seen` takes it away. */
  stopping: z.array(z.string()),
  /** Instances that run on it. */
  instances: z.int(),
  /** The larger, the busier: its share of the processors and of the memory, each 0 to 1. */
  load: z.number(),
  /** It wants to give everything away. */
  draining: z.boolean(),
  /** Bytes that it may still use. */
  freeMemory: z.number(),
})

/** What a worker says about itself with each heartbeat. */
export type MemberRecord = z.infer<typeof member>

const instance = z.object({
  /** Id of the member that may run it; empty while nobody may. */
  owner: z.string(),
  /** Grows with each owner. */
  generation: z.int(),
  /** The revision that took it away from its owner, who has not confirmed yet that it stopped. */
  leaving: z.int().optional(),
  /** It is to run nowhere any more. */
  removed: z.literal(true).optional(),
})

/** Where one instance stands. */
export type InstanceRecord = z.infer<typeof instance>

const state = version.extend({
  /** Id of the member that leads in this term. */
  leader: z.string(),
  instances: z.record(z.string(), instance),
  /** Members that were given up for dead, newest last; they are never counted again. */
  dead: z.array(z.string()),
  /** Worker id → process whose instances go elsewhere. */
  draining: z.record(z.string(), z.string()),
  /** Grows when stored configurations changed. */
  news: z.int(),
})

/** What the leader has decided: the whole of it, so that one read tells everything. */
export type ClusterState = z.infer<typeof state>

/** Reads what {@link encode} wrote. Throws when it is something else: nobody may act on half an understanding. */
export function decodeMember(bytes: Uint8Array): MemberRecord {
  return member.parse(JSON.parse(Buffer.from(bytes).toString()))
}

/** Reads what {@link encode} wrote; throws as {@link decodeMember}. */
export function decodeState(bytes: Uint8Array): ClusterState {
  return state.parse(JSON.parse(Buffer.from(bytes).toString()))
}

export function encode(record: MemberRecord | ClusterState): Uint8Array {
  return Buffer.from(JSON.stringify(record))
}

/** One lease of one process of one worker. Later ones come later in order. */
export function memberId(workerId: string, process: string, lease: number): string {
  return `${workerId}/${process}.${String(lease).padStart(6, '0')}`
}

/** The worker and the process that a member id tells of. */
export function partsOf(id: string): { readonly workerId: string; readonly process: string } {
  const at = id.lastIndexOf('/')
  return { workerId: id.slice(0, at), process: id.slice(at + 1).split('.')[0] ?? '' }
}
