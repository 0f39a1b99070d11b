import type { RunOptions } from '@pulsar-io/engine'
import type { BatchPolicy, Problem } from '@pulsar-io/sdk'
import type { LogFormat } from '../logging.ts'
import type { Flag, FlagValues } from './flag.ts'
import { messagingAddress } from './messaging-address.ts'
import { reader } from './reader.ts'

/** How a command runs connectors: what the engine is told, and what it is not. */
export interface LocalOptions {
  readonly engine: Omit<RunOptions, 'log'>
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | undefined
  readonly logFormat: LogFormat | undefined
  /** 0: a free one. */
  readonly metricsPort: number | undefined
}

/** Reads the flags of a run on this machine; what is wrong goes to `problems`. */
export function localOptions(values: FlagValues, problems: Problem[]): LocalOptions {
  const read = reader(values, problems)
  const batch: { -readonly [K in keyof BatchPolicy]?: BatchPolicy[K] } = {}
  const maxRecords = read.whole('--batch-size', 1, 1_000_000)
  if (maxRecords !== undefined) batch.maxRecords = maxRecords
  const maxBytes = read.bytes('--batch-bytes')
  if (maxBytes !== undefined) batch.maxBytes = maxBytes
  const maxDelayMs = read.duration('--batch-delay')
  if (maxDelayMs !== undefined) batch.maxDelayMs = maxDelayMs
  const stuckAfterMs = read.duration('--stuck-timeout')
  const maxInFlight = read.whole('--batch-in-flight', 1, 1000)
  if (maxInFlight !== undefined) batch.maxInFlight = maxInFlight
  return {
    engine: present({
      messaging: messagingAddress(values, problems),
      isolation: read.choice('--isolation') as RunOptions['isolation'],
      drainTimeoutMs: read.duration('--drain-timeout'),
      restart: stuckAfterMs === undefined ? undefined : { stuckAfterMs },
      exitWhenIdleMs: read.duration('--exit-when-idle'),
      failFast: values.failFast as boolean | undefined,
      connectorsDir: read.text('--connectors-dir'),
      allowedUrls: values.allowUrl as readonly string[] | undefined,
      batch: Object.keys(batch).length > 0 ? batch : undefined,
    }),
    logLevel: read.choice('--log-level', LOG_LEVEL) as LocalOptions['logLevel'],
    logFormat: read.choice('--log-format') as LogFormat | undefined,
    metricsPort: read.whole('--metrics-port', 0, 65535),
  }
}

const LOG_LEVEL: Flag = { flags: '--log-level <level>', description: '', choices: ['debug', 'info', 'warn', 'error'] }

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the keys that have no value: an absent flag leaves the default alone. */
function present<T extends object>(options: T): Present<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Present<T>
}
