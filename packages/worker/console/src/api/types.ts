/** What a connector is. */
export type Kind = 'sink' | 'source'

/** A connector by its kind and full name. */
export interface Place {
  readonly kind: Kind
  readonly tenant: string
  readonly namespace: string
  readonly name: string
}

/** Status of an instance; which counts there are depends on the kind. */
export interface InstanceStatus {
  readonly running: boolean
  readonly state?: string
  readonly reason?: string
  readonly error: string
  readonly workerId: string
  readonly numRestarts: number
  readonly numReadFromPulsar?: number
  readonly numWrittenToSink?: number
  readonly numReceivedFromSource?: number
  readonly numWritten?: number
  readonly numSinkExceptions?: number
  readonly numSourceExceptions?: number
  readonly numSystemExceptions: number
  readonly latestSinkExceptions?: readonly ExceptionEntry[]
  readonly latestSourceExceptions?: readonly ExceptionEntry[]
  readonly latestSystemExceptions: readonly ExceptionEntry[]
  readonly numRetried?: number
  readonly numDeadLettered?: number
  readonly inFlight?: number
  readonly lag?: number
  /** Milliseconds that batches took lately. */
  readonly latencyMs?: { readonly p50: number; readonly p99: number }
}

/** An error and when it was, in milliseconds since 1970. */
export interface ExceptionEntry {
  readonly exceptionString: string
  readonly timestampMs: number
}

/** Status of a connector. */
export interface Status {
  readonly numInstances: number
  readonly numRunning: number
  readonly instances: readonly { readonly instanceId: number; readonly status: InstanceStatus }[]
}

/** A configuration as the worker answers it: secrets are `***`. */
export interface Config {
  readonly [field: string]: unknown
}

/** A built-in connector. */
export interface Definition {
  readonly name: string
  readonly description: string
}

/** A line of an instance's log; `seq` grows. */
export interface LogLine {
  readonly seq: number
  readonly level: string
  readonly time: number
  readonly message: string
  readonly fields?: { readonly [name: string]: unknown }
}

/** A record that was given up, and why. */
export interface DeadLetter {
  readonly deadLetterTopic: string
  readonly letterPosition: string
  /** Where it came from. */
  readonly topic?: string
  readonly position?: string
  readonly code?: string
  readonly reason?: string
  readonly time: number
  /** The beginning of its value, where it was asked for. */
  readonly preview?: { readonly value: string | null; readonly cut: boolean }
}

/** Dead letters that wait. */
export interface DeadLetters {
  readonly letters: readonly DeadLetter[]
  /** There are more, or may be. */
  readonly more: boolean
}

/** What one request replayed. */
export interface Replayed {
  readonly replayed: number
  /** Letters that stay, because they cannot be replayed. */
  readonly refused: number
  /** When it began: what came later is for another time. */
  readonly began: number
}

/** As much of JSON Schema as manifests have. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly writeOnly?: boolean
  readonly required?: readonly string[]
  readonly properties?: { readonly [name: string]: Schema }
  readonly items?: Schema
  readonly additionalProperties?: boolean | Schema
}
