import type { Position } from './position.ts'
import type { Offset } from './record.ts'

/** The three delivery promises, in Pulsar's words. */
export type ProcessingGuarantee = 'ATMOST_ONCE' | 'ATLEAST_ONCE' | 'EFFECTIVELY_ONCE'

/** Structured log; never hand it a secret. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** What a log line says besides its message. */
export type LogFields = { readonly [name: string]: unknown }

/** A connector's own numbers, exported as `pulsar_<kind>_user_metric_<name>`. */
export interface Metrics {
  record(name: string, value: number): void
}

/** Small durable values of one connector (all its instances see the same). */
export interface StateStore {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, value: Uint8Array): Promise<void>
  delete(key: string): Promise<void>
  /** Adds `by` (default 1) to a counter that starts at 0, and returns its new value. */
  increment(key: string, by?: bigint): Promise<bigint>
}

/** What every connector is told of the place it runs in. */
export interface ConnectorContext {
  readonly tenant: string
  readonly namespace: string
  readonly name: string
  /** 0 to `numInstances - 1`. */
  readonly instanceId: number
  readonly numInstances: number
  readonly guarantee: ProcessingGuarantee
  readonly logger: Logger
  readonly metrics: Metrics
  readonly state: StateStore
  /** Aborted when the connector has to stop: give up waiting. */
  readonly signal: AbortSignal
  /** The secret that the `secrets` map names, or undefined. */
  secret(name: string): string | undefined
  /**
   * Says in the status that the external system is away, takes nothing for now (`blocked`), or is back. Errors thrown
   * by `write` and `read` do so by themselves.
   */
  connection(state: 'connected' | 'reconnecting' | 'blocked', reason?: string): void
  /** Fails this instance: it is closed and restarted with backoff. */
  fatal(error: Error): void
}

/** What a sink is told besides. */
export interface SinkContext extends ConnectorContext {
  readonly inputTopics: readonly string[]
  readonly subscriptionName: string
  readonly subscriptionType: SubscriptionType
  /** Stops pulling from the inputs until {@link SinkContext.resume}. */
  pause(): void
  resume(): void
  /** Moves the subscription of a topic to a position, or to a publish time in milliseconds. */
  seek(topic: string, to: Position | number): Promise<void>
  /**
   * Says that the connection broke, with an error that means `reconnect` or `block`: the runtime closes the sink and
   * opens a new one, as it does when `write` throws that error, but without waiting for a record to write.
   */
  lost(error: Error): void
}

/** How the consumers of a subscription share its messages. */
export type SubscriptionType = 'Exclusive' | 'Shared' | 'Failover' | 'Key_Shared'

/** What a source is told besides. */
export interface SourceContext extends ConnectorContext {
  readonly destinationTopic: string
  /** The offset of the last published record of each partition, as the last run left them. */
  readonly offsets: ReadonlyMap<string, Offset>
  /**
   * Says that another instance will read this partition from now on. Resolves when everything of it is published, and
   * its producer given back, so that the other one may have it. Missing in runtimes that are older than it.
   */
  release?(partitionId: string): Promise<void>
}
