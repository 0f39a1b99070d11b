import type { RunOptions } from '@pulsar-io/engine'
import { type BatchPolicy, type Problem, parseDuration, parseSize } from '@pulsar-io/sdk'
import { flagValue } from '../config/flag-fields.ts'
import type { LogFormat } from '../logging.ts'
import { type Flag, type FlagValues, flagKey } from './flag.ts'
import { localFlags } from './local.ts'
import { messagingAddress } from './messaging-address.ts'

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
  const maxInFlight = read.whole('--batch-in-flight', 1, 1000)
  if (maxInFlight !== undefined) batch.maxInFlight = maxInFlight
  return {
    engine: present({
      messaging: messagingAddress(values, problems),
      isolation: read.choice('--isolation') as RunOptions['isolation'],
      drainTimeoutMs: read.duration('--drain-timeout'),
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

interface FlagReader {
  text(name: string): string | undefined
  whole(name: string, min: number, max: number): number | undefined
  duration(name: string): number | undefined
  bytes(name: string): number | undefined
  choice(name: string, flag?: Flag): string | undefined
}

/** Reads flags by their long name; the value is undefined when it is absent or wrong. */
export function reader(values: FlagValues, problems: Problem[]): FlagReader {
  const text = (name: string) => {
    const value = values[flagKey({ flags: name, description: '' })]
    return typeof value === 'string' ? value : undefined
  }
  const wrong = (name: string, message: string) => {
    problems.push({ path: name, message })
    return undefined
  }
  return {
    text,
    whole(name, min, max) {
      const given = text(name)
      if (given === undefined) return undefined
      const value = /^\d+$/.test(given) ? Number(given) : Number.NaN
      if (value >= min && value <= max) return value
      return wrong(
        name,
        `must be a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}, got ${JSON.stringify(given)}`,
      )
    },
    duration(name) {
      const given = text(name)
      if (given === undefined) return undefined
      return (
        parseDuration(given) ?? wrong(name, `must be a duration such as 500ms, 2s or 5m, got ${JSON.stringify(given)}`)
      )
    },
    bytes(name) {
      const given = text(name)
      if (given === undefined) return undefined
      const value = parseSize(given)
      return value !== undefined && value > 0
        ? value
        : wrong(name, `must be a size such as 64KiB or 5MiB, got ${JSON.stringify(given)}`)
    },
    choice(name, flag = localFlags.flatMap(group => group.flags).find(each => each.flags.startsWith(name))) {
      const given = text(name)
      return given === undefined || flag === undefined
        ? undefined
        : (flagValue(flag, given, problems) as string | undefined)
    },
  }
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the keys that have no value: an absent flag leaves the default alone. */
function present<T extends object>(options: T): Present<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Present<T>
}
