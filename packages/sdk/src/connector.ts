import type * as z from 'zod'
import { API_LEVEL } from './api-level.ts'
import { type ConfigResult, configJsonSchema, type JsonSchema, parseConfig } from './config-schema.ts'
import type { SinkContext, SourceContext } from './context.ts'
import type { Position } from './position.ts'
import type { Record, SourceRecord } from './record.ts'
import type { SchemaInfo } from './schema-info.ts'

/** Takes records one by one. Returning means written; throwing means the error's retry meaning. */
export interface Sink<C = unknown, V = unknown> {
  /** Connects, and says what is wrong where it cannot: `ConfigError`, `ConnectionError` or `AuthError`. */
  open(config: C, context: SinkContext): void | Promise<void>
  write(record: Record<V>): void | Promise<void>
  /** Gives everything back. Called once, also after a failed `open`. */
  close(): void | Promise<void>
}

/** What became of one record: nothing to say when it is written, else the error. */
export type Outcome = Error | undefined

/** What a sink is told about a batch besides its records. */
export interface BatchInfo {
  /** For a transactional sink: the positions to store in the same transaction as the records. */
  readonly checkpoint: readonly PartitionCheckpoint[]
  /** Aborted when nobody waits for the batch any more. */
  readonly signal: AbortSignal
}

/** How far a transactional sink got in one topic partition. */
export interface PartitionCheckpoint {
  readonly topic: string
  readonly partition: number
  /** The last position that is in. */
  readonly position: Position
}

/** Takes records in batches that the runtime makes; never keeps a queue or a timer of its own. */
export interface BatchSink<C = unknown, V = unknown> {
  open(config: C, context: SinkContext): void | Promise<void>
  /**
   * Writes a batch. Returns one outcome per record, in the order of the records, or nothing when all of them are
   * written. Throwing applies the error to the whole batch.
   *
   * A transactional sink commits all or nothing: it returns nothing when the batch and its checkpoint are committed.
   * When some records can never succeed it rolls back, stores nothing, and returns outcomes that name them; the runtime
   * dead-letters those first and then hands over the rest again, so that no crash in between can lose one.
   */
  write(records: readonly Record<V>[], batch: BatchInfo): Promise<readonly Outcome[] | void>
  /** For a transactional sink: how far the target got, asked once after `open`. */
  committed?(): Promise<readonly PartitionCheckpoint[]>
  close(): void | Promise<void>
}

/** Is asked for records. */
export interface Source<C = unknown, V = unknown> {
  open(config: C, context: SourceContext): void | Promise<void>
  /**
   * The next record or records; waits while there are none, until `context.signal` aborts.
   * null: there will never be more, the source is done.
   */
  read(): Promise<SourceRecord<V> | readonly SourceRecord<V>[] | null>
  close(): void | Promise<void>
}

/**
 * Hands records to the runtime. The promise resolves when there is room for more: waiting for it is the backpressure.
 * It rejects when the source has to stop. A record's `ack` tells when it is durable in the topic.
 */
export type Emit<V = unknown> = (records: SourceRecord<V> | readonly SourceRecord<V>[]) => Promise<void>

/** Is driven by the outside, for example by a socket. */
export interface PushSource<C = unknown, V = unknown> {
  open(config: C, context: SourceContext, emit: Emit<V>): void | Promise<void>
  close(): void | Promise<void>
}

/** Finds tasks, then reads the records of each; the runtime spreads the tasks over the instances. */
export interface BatchSource<C = unknown, V = unknown> {
  open(config: C, context: SourceContext): void | Promise<void>
  /** Called on instance 0 at each trigger: hands out tasks, each an opaque value. */
  discover(emitTask: (task: Uint8Array) => Promise<void>): Promise<void>
  /** Called before the records of a task are read. */
  prepare(task: Uint8Array): Promise<void>
  /** The next record of the task; null when the task is done. */
  readNext(): Promise<SourceRecord<V> | null>
  close(): void | Promise<void>
}

/** What EFFECTIVELY_ONCE may rely on. */
export type SinkDelivery = 'at-least-once' | 'idempotent' | 'transactional'

/** `replayable`: every record carries `partitionId` and `sequence`, and reading resumes from a stored offset. */
export type SourceDelivery = 'at-most-once' | 'at-least-once' | 'replayable'

/** How the runtime gathers records for one `write`. */
export interface BatchPolicy {
  /** Records in a batch at most. */
  readonly maxRecords: number
  /** Bytes of payload in a batch at most. */
  readonly maxBytes: number
  /** Milliseconds that a record waits for company at most. */
  readonly maxDelayMs: number
  /** Batches that are written at the same time at most; 1 where order is asked for. */
  readonly maxInFlight: number
}

interface Described<S extends z.ZodType> {
  /** The same as the folder, the package's suffix and the archive file. */
  readonly name: string
  /** One sentence that ends with a full stop. */
  readonly summary: string
  /** One strict object: types, defaults, validation, JSON Schema and the option table all come from it. */
  readonly config: S
}

interface SinkOptionsBase<S extends z.ZodType> extends Described<S> {
  readonly delivery: SinkDelivery
  /** `record`: the sink calls `record.ack()` or `record.fail()` itself, after `write` returned. Default `write`. */
  readonly settles?: 'write' | 'record'
  /**
   * Of a transactional sink: when its batches are all or nothing. `always` (default), or `effectively-once`: only under
   * that guarantee; under the others an outcome speaks for its own record, and those without error are written.
   */
  readonly atomic?: 'always' | 'effectively-once'
}

/** A sink that takes records one by one. */
export interface SingleSinkOptions<S extends z.ZodType, V> extends SinkOptionsBase<S> {
  readonly batch?: undefined
  create(): Sink<z.output<S>, V>
}

/** A sink that takes batches. */
export interface BatchSinkOptions<S extends z.ZodType, V> extends SinkOptionsBase<S> {
  /** The batch defaults, where the configuration may overrule them. */
  readonly batch: Partial<BatchPolicy> | ((config: z.output<S>) => Partial<BatchPolicy>)
  create(): BatchSink<z.output<S>, V>
}

/** The kinds of source, by how records come to be. */
export type SourceStyle = 'pull' | 'push' | 'batch'

interface SourceOptionsBase<S extends z.ZodType> extends Described<S> {
  readonly delivery: SourceDelivery
  /** How the values are written into the topic; default BYTES. A function where the configuration decides. */
  readonly schema?: SchemaInfo | ((config: z.output<S>) => SchemaInfo)
}

/** A source that is asked. */
export interface PullSourceOptions<S extends z.ZodType, V> extends SourceOptionsBase<S> {
  readonly style?: 'pull'
  create(): Source<z.output<S>, V>
}

/** A source that pushes. */
export interface PushSourceOptions<S extends z.ZodType, V> extends SourceOptionsBase<S> {
  readonly style: 'push'
  create(): PushSource<z.output<S>, V>
}

/** A source that works through tasks. */
export interface BatchSourceOptions<S extends z.ZodType, V> extends SourceOptionsBase<S> {
  readonly style: 'batch'
  create(): BatchSource<z.output<S>, V>
}

interface DefinitionBase {
  readonly apiLevel: number
  readonly name: string
  readonly summary: string
  /** Checks a raw configuration; every problem at once, with path and fix. */
  parse(config: unknown): ConfigResult<unknown>
  /** The JSON Schema of the raw configuration, as the manifest carries it. */
  jsonSchema(): JsonSchema
}

/** A sink as a value. What `parse` returned goes into `open` and `batchPolicy`. */
export interface SinkDefinition extends DefinitionBase {
  readonly kind: 'sink'
  readonly delivery: SinkDelivery
  readonly settles: 'write' | 'record'
  /** When batches are all or nothing. Missing in archives that are older than it, and then `always`. */
  readonly atomic?: 'always' | 'effectively-once'
  /** True: `create` makes a {@link BatchSink}, else a {@link Sink}. */
  readonly batched: boolean
  batchPolicy(config: unknown): Partial<BatchPolicy>
  create(): Sink | BatchSink
}

/** A source as a value. */
export interface SourceDefinition extends DefinitionBase {
  readonly kind: 'source'
  readonly delivery: SourceDelivery
  readonly style: SourceStyle
  schema(config: unknown): SchemaInfo
  create(): Source | PushSource | BatchSource
}

/** What a package exports: one of these as `default`, or several under names of their own. */
export type ConnectorDefinition = SinkDefinition | SourceDefinition

/** Declares a sink: with `batch` one that takes batches, without it one that takes records one by one. */
// Overloads, since `batch` tells the two apart only by being there: the arguments of an inline `write` get their types.
export function defineSink<S extends z.ZodType, V = unknown>(options: BatchSinkOptions<S, V>): SinkDefinition
export function defineSink<S extends z.ZodType, V = unknown>(options: SingleSinkOptions<S, V>): SinkDefinition
export function defineSink<S extends z.ZodType, V = unknown>(
  options: SingleSinkOptions<S, V> | BatchSinkOptions<S, V>,
): SinkDefinition {
  const { batch } = options
  return {
    kind: 'sink',
    apiLevel: API_LEVEL,
    name: options.name,
    summary: options.summary,
    delivery: options.delivery,
    settles: options.settles ?? 'write',
    atomic: options.atomic ?? 'always',
    batched: batch !== undefined,
    batchPolicy: config => (typeof batch === 'function' ? batch(config as z.output<S>) : (batch ?? {})),
    parse: config => parseConfig(options.config, config),
    jsonSchema: () => configJsonSchema(options.config),
    create: () => options.create() as Sink | BatchSink,
  }
}

/** Declares a source. */
export function defineSource<S extends z.ZodType, V = unknown>(
  options: PullSourceOptions<S, V> | PushSourceOptions<S, V> | BatchSourceOptions<S, V>,
): SourceDefinition {
  const { schema } = options
  return {
    kind: 'source',
    apiLevel: API_LEVEL,
    name: options.name,
    summary: options.summary,
    delivery: options.delivery,
    style: options.style ?? 'pull',
    schema: config => (typeof schema === 'function' ? schema(config as z.output<S>) : (schema ?? { type: 'BYTES' })),
    parse: config => parseConfig(options.config, config),
    jsonSchema: () => configJsonSchema(options.config),
    create: () => options.create() as Source | PushSource | BatchSource,
  }
}
