/** One failure that an instance remembers; servers keep the last ten. */
export interface ExceptionInformation {
  readonly exceptionString: string
  /** Milliseconds since 1970. */
  readonly timestampMs: number
}

/** What the instances of sinks and sources have in common. A stopped instance has no lists. */
interface InstanceStatus {
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
