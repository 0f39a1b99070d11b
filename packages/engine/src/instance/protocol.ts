import type { Isolation } from '../api.ts'
import type { Failure } from '../failure.ts'
import type { LogLine } from '../log.ts'
import type { InstanceSnapshot } from '../snapshot.ts'
import type { Liveness } from '../stuck-watch.ts'
import type { OptionCheck } from './option-problems.ts'
import type { InstanceSpec } from './spec.ts'

/** What a thread or process is for: the first thing that the runtime tells it. */
export type Assignment = { readonly spec: InstanceSpec } | { readonly check: OptionCheck }

/** What the runtime tells an instance afterwards. */
export type HostMessage =
  | { readonly type: 'stop'; readonly drainTimeoutMs: number }
  /** An operator keeps it from taking records, or lets it again. */
  | { readonly type: 'hold'; readonly held: boolean }
  /** It may write until then; see `InstanceLease`. */
  | { readonly type: 'lease'; readonly until: bigint }

/** What an instance tells the runtime. */
export type InstanceMessage =
  /** The connector and its topics are open. */
  | { readonly type: 'opened' }
  | { readonly type: 'snapshot'; readonly snapshot: InstanceSnapshot; readonly liveness: Liveness }
  | { readonly type: 'log'; readonly line: LogLine }
  /** The last message: everything is closed. */
  | { readonly type: 'ended'; readonly end: InstanceEnd }

/** How an instance came to its end. */
export type InstanceEnd =
  | { readonly how: 'stopped'; readonly undrained: number }
  | { readonly how: 'finished' }
  | { readonly how: 'failed'; readonly failure: Failure }

/** An instance's side of the line to the runtime. */
export interface HostLine {
  /** Where the instance runs. */
  readonly isolation: Isolation
  send(message: InstanceMessage): void
  /** Calls back for each message from the runtime. */
  listen(listener: (message: HostMessage) => void): void
}
