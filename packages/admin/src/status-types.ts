/** One failure that an instance remembers; servers keep the last ten. */
export interface ExceptionInformation {
  readonly exceptionString: string
  /** Milliseconds since 1970. */
  readonly timestampMs: number
}

/** What only this project's worker tells of an instance. */
interface InstanceDetails {
  /** Such as `running`, `reconnecting`, `blocked`, `stuck` or `crash-loop`. */
  readonly state?: string
  /** Why it waits, where it does. */
  readonly reason?: string
  readonly numRetried?: number
  readonly numDeadLettered?: number
  /** Records that a transform kept back. */
  readonly numFiltered?: number
  /** How often it was started anew because it had work and did nothing. */
  readonly numStuck?: number
  readonly inFlight?: number
  /** Messages that wait in the topics. */
  readonly lag?: number
  /** Milliseconds that batches took lately, where there were any. */
  readonly latencyMs?: { readonly p50: number; readonly p99: number }
}

/** What the instances of sinks and sources have in common. A stopped instance has no lists. */
interface InstanceStatus extends InstanceDetails {
  readonly running: boolean
  /** Why it does not run; empty where nothing is wrong. */
  readonly error: string
  readonly numRestarts: number
  readonly numSystemExceptions: number
  readonly latestSystemExceptions?: readonly ExceptionInformation[]
  /** Milliseconds since 1970; 0: never. */
  readonly lastReceivedTime: number
  readonly workerId: string
}

/** How an instance of a sink is doing. */
export interface SinkInstanceStatus extends InstanceStatus {
  readonly numReadFromPulsar: number
  readonly numSinkExceptions: number
  readonly latestSinkExceptions?: readonly ExceptionInformation[]
  readonly numWrittenToSink: number
}

/** How an instance of a source is doing. */
export interface SourceInstanceStatus extends InstanceStatus {
  readonly numReceivedFromSource: number
  readonly numSourceExceptions: number
  readonly latestSourceExceptions?: readonly ExceptionInformation[]
  readonly numWritten: number
}

/** How a connector is doing. Right after it was created there may be no instances yet. */
export interface ConnectorStatus<Instance> {
  readonly numInstances: number
  readonly numRunning: number
  readonly instances: readonly { readonly instanceId: number; readonly status: Instance }[]
}

/** Status of a sink. */
export type SinkStatus = ConnectorStatus<SinkInstanceStatus>
/** Status of a source. */
export type SourceStatus = ConnectorStatus<SourceInstanceStatus>

/** A built-in connector of the server; the classes are Java's. */
export interface ConnectorDefinition {
  readonly name: string
  readonly description?: string
  readonly sinkClass?: string
  readonly sinkConfigClass?: string
  readonly sourceClass?: string
  readonly sourceConfigClass?: string
}

/** One option of a built-in connector. */
export interface ConfigFieldDefinition {
  readonly fieldName: string
  readonly typeName: string
  /** `required`, `sensitive`, `defaultValue` and `help`, all as texts. */
  readonly attributes: { readonly [name: string]: string }
}

/** One worker of a cluster. */
export interface WorkerInfo {
  readonly workerId: string
  readonly workerHostname: string
  readonly port: number
}

/** One log line of an instance. */
export interface LogLine {
  /** Grows from line to line, and begins anew when the worker does. */
  readonly seq: number
  readonly level: string
  /** Milliseconds since 1970. */
  readonly time: number
  readonly message: string
  readonly fields?: { readonly [name: string]: unknown }
}

/** A record that a connector could not handle. What it was written by may say less than this project's engine. */
export interface DeadLetter {
  /** Where it waits. */
  readonly deadLetterTopic: string
  /** Its own position there. */
  readonly letterPosition: string
  /** `tenant/namespace/name`. */
  readonly connector?: string
  /** Where it was, or, of a source, where it was to go. */
  readonly topic?: string
  readonly partition?: string
  readonly position?: string
  /** Error code. */
  readonly code?: string
  readonly reason?: string
  readonly attempts?: string
  /** When it became a dead letter, in milliseconds since 1970. */
  readonly time: number
  /** Bytes of the value. */
  readonly size: number
  /** Where it was asked for: the first 200 characters of key and value. */
  readonly preview?: {
    readonly key: string | null
    /** Text, or base64 of bytes that are none; null for a tombstone. */
    readonly value: string | null
    readonly encoding: 'utf8' | 'base64'
    /** There is more of it. */
    readonly cut: boolean
  }
}

/** Dead letters that wait. */
export interface DeadLetters {
  readonly letters: readonly DeadLetter[]
  /** There are more, or may be. */
  readonly more: boolean
}

/** What became of dead letters. */
export interface DeadLetterReplay {
  /** Published again and acknowledged; of a dry run: what would be. */
  readonly replayed: number
  /** When it began, by the clock of the worker, in milliseconds since 1970: `before` of what goes on with it. */
  readonly began: number
  /** Letters that cannot be replayed and stay. */
  readonly refused: number
  /** The first of them. */
  readonly reasons: readonly { readonly topic: string; readonly position: string; readonly reason: string }[]
}
