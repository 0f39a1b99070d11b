import type { BatchPolicy, ConnectorKind } from '@pulsar-io/sdk'
import type { SinkConfig, SourceConfig } from './config/fields.ts'
import type { StandbyThread } from './instance/standby.ts'
import type { LogLine } from './log.ts'
import type { MessagingAddress } from './messaging.ts'
import type { InstanceSnapshot } from './snapshot.ts'
import type { SinkStatus, SourceStatus } from './status.ts'

/** One connector to run. */
export type ConnectorSpec =
  | { readonly kind: 'sink'; readonly config: SinkConfig }
  | { readonly kind: 'source'; readonly config: SourceConfig }

/** Where an instance runs: in a thread of its own, in a process of its own, or among its caller. */
export type Isolation = 'thread' | 'process' | 'inline'

/** How a crashed instance is started again. */
export interface RestartPolicy {
  /** Milliseconds before the first restart; doubles from crash to crash, with jitter. Default 500. */
  readonly minDelayMs: number
  /** Milliseconds between restarts at most. Default 30000. */
  readonly maxDelayMs: number
  /** Crashes in a row, none of which lived for a minute, that make a crash loop. Default 5. */
  readonly crashLoopAfter: number
  /**
   * Milliseconds that an instance may have work and do nothing, or not answer at all, before it is ended and started
   * anew. Default 300000; 0: for ever. `customRuntimeOptions` of a connector goes before it.
   */
  readonly stuckAfterMs: number
  /** Crashes in a row after which the run gives up with exit code 1; undefined: never. */
  readonly giveUpAfter?: number
  /**
   * Milliseconds between tries of an instance that failed for good, at most: they begin with a second and double.
   * Undefined: it is not tried again, its failure ends the run.
   */
  readonly failedRetryMs?: number
}

/** How to run connectors. */
export interface RunOptions {
  /** Default: the embedded log in `.pulsar-io`. */
  readonly messaging?: MessagingAddress
  /** Default `thread`. */
  readonly isolation?: Isolation
  /** Milliseconds that a stop may take to settle what is in flight. Default 10000. */
  readonly drainTimeoutMs?: number
  /** Reject when the messaging system or the external system cannot be reached at the first open (default), or wait and say so. */
  readonly failFast?: boolean
  /** Stop everything once all connectors have had nothing to do for this long. */
  readonly exitWhenIdleMs?: number
  /** Folder of `builtin://` archives. Default `connectors` in the working directory. */
  readonly connectorsDir?: string
  /** Folder that archives are extracted to. */
  readonly cacheDir?: string
  /** URL prefixes that archives may come from. Default none. */
  readonly allowedUrls?: readonly string[]
  readonly restart?: Partial<RestartPolicy>
  /** A thread that was started while the command was still being read, for the first instance. */
  readonly standby?: StandbyThread | undefined
  /** Overrules the batch defaults of the connectors. */
  readonly batch?: Partial<BatchPolicy>
  /** Gets every log line of every instance; secrets are already hidden. */
  readonly log: (line: LogLine) => void
}

/** One running connector, with all its instances. */
export interface RunningConnector {
  readonly kind: ConnectorKind
  /** `tenant/namespace/name`. */
  readonly fqn: string
  readonly tenant: string
  readonly namespace: string
  readonly name: string
  /** Inputs of a sink, destination of a source. */
  readonly topics: readonly string[]
  /** Pulsar's status JSON, and what this runtime adds. */
  status(): SinkStatus | SourceStatus
  /** The latest numbers of each instance. */
  snapshots(): readonly InstanceSnapshot[]
}

/** Why a run ended. */
export interface RunResult {
  /** `stopped`: asked to; `finished`: every source reached its end; `idle`: nothing to do any more; `failed`: see `error`. */
  readonly reason: 'stopped' | 'finished' | 'idle' | 'failed'
  readonly error?: Error
  readonly recordsIn: number
  readonly recordsOut: number
  readonly deadLettered: number
  readonly retried: number
  /** Records that a filter kept back. */
  readonly filtered: number
  readonly seconds: number
  /** Records that were still in flight when the drain timeout passed; they will be handed out again. */
  readonly undrained: number
}

/** Connectors that run. */
export interface Run {
  readonly connectors: readonly RunningConnector[]
  /** Resolves when everything is closed; never rejects. */
  readonly done: Promise<RunResult>
  /** Stops pulling, settles what is in flight, closes. May be called twice. */
  stop(): Promise<RunResult>
}
