import {
  type ConnectorSpec,
  type InstanceSnapshot,
  type LogLine,
  type MetricsServer,
  type Run,
  type RunningConnector,
  type RunResult,
  serveMetrics,
  startConnectors,
} from '@pulsar-io/engine'
import type { StandbyThread } from '@pulsar-io/engine/standby'
import { EXIT } from './exit.ts'
import type { LocalOptions } from './flags/run-options.ts'
import type { LiveLine } from './live-line.ts'
import { createLogging, type Logging } from './logging.ts'
import { errorText, startFailureCode } from './report-error.ts'
import { onStop } from './signals.ts'

/** The engine's default. */
const DRAIN_TIMEOUT_MS = 10_000

/** What a session is told besides the connectors. */
export interface SessionOptions extends LocalOptions {
  /** Said once, before anything else. */
  readonly warnings: readonly string[]
  /** For the first instance. */
  readonly standby: StandbyThread | undefined
  /** Makes an error of the start point at files and flags. */
  explain(error: unknown): Promise<unknown>
}

/** Runs connectors until they end or somebody stops them, and returns the exit code. */
export async function runSession(specs: readonly ConnectorSpec[], options: SessionOptions): Promise<number> {
  const { stderr, env } = process
  const color = stderr.isTTY === true && !env.NO_COLOR
  const draws = stderr.isTTY && options.logFormat !== 'json' && env.TERM !== 'dumb'
  const live = draws ? await liveLine(color) : undefined
  const logging = createLogging({
    stream: live?.stream ?? stderr,
    level: options.logLevel,
    format: options.logFormat,
    color,
  })
  const stop = onStop(() => live?.stop())
  const fail = (error: unknown) => {
    live?.stop()
    stderr.write(errorText(error, { debug: options.logLevel === 'debug' }))
  }
  const began = performance.now()
  let server: MetricsServer | undefined
  try {
    for (const warning of options.warnings) logging.warn(warning)
    let run: Run | undefined
    try {
      if (options.metricsPort !== undefined) {
        server = await serveMetrics(() => run?.connectors, { port: options.metricsPort })
        logging.info(`metrics: ${server.url}/metrics, status: ${server.url}/status`)
      }
      const { engine, standby } = options
      run = await started(startConnectors(specs, { ...engine, standby, log: logging.log }), stop.signal, engine)
    } catch (error) {
      const explained = await options.explain(error)
      fail(explained)
      const code = startFailureCode(explained)
      // What is refused before anything opens is no run, and has no numbers.
      if (code === EXIT.failed || code === EXIT.unreachable) stderr.write(summary(nothing(began)))
      return code
    }
    if (run === undefined) {
      logging.warn('stopped while it was starting')
      stderr.write(summary(nothing(began)))
      return EXIT.ok
    }
    const result = await watch(run, stop.signal, live, logging)
    live?.stop()
    if (run.connectors.length > 1) for (const each of run.connectors) logging.log(share(each))
    if (result.undrained > 0) {
      logging.warn(
        `${result.undrained} records were still in flight when the drain timeout passed; they will be handed out again`,
      )
    }
    if (result.reason === 'failed') fail(result.error ?? new Error('the run failed without saying why'))
    stderr.write(summary(result))
    return result.reason === 'failed' ? EXIT.failed : EXIT.ok
  } finally {
    live?.stop()
    stop.release()
    await server?.close()
  }
}

async function watch(run: Run, signal: AbortSignal, live: LiveLine | undefined, logging: Logging): Promise<RunResult> {
  live?.start(run.connectors)
  const stopping = () => {
    logging.info('stopping: settling what is in flight; a second signal ends at once')
    // Its result is the one of `done`.
    void run.stop()
  }
  if (signal.aborted) stopping()
  else signal.addEventListener('abort', stopping, { once: true })
  try {
    return await run.done
  } finally {
    signal.removeEventListener('abort', stopping)
  }
}

/**
 * The run; one that is stopped while it starts is waited for as long as a drain may take, because some of its connectors
 * may have records in flight already. Undefined when it takes longer.
 */
async function started(
  starting: Promise<Run>,
  signal: AbortSignal,
  { drainTimeoutMs = DRAIN_TIMEOUT_MS }: { readonly drainTimeoutMs?: number },
): Promise<Run | undefined> {
  const late = Promise.withResolvers<undefined>()
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => {
    timer = setTimeout(() => late.resolve(undefined), drainTimeoutMs)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([starting, late.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
    clearTimeout(timer)
  }
}

async function liveLine(color: boolean): Promise<LiveLine> {
  const { createLiveLine } = await import('./live-line.ts')
  return createLiveLine(process.stderr, color)
}

/** What one connector of several has done: the summary adds them up. */
function share({ fqn, kind, snapshots }: RunningConnector): LogLine {
  const sum = (pick: (snapshot: InstanceSnapshot) => number) => snapshots().reduce((all, each) => all + pick(each), 0)
  return {
    level: 'info',
    time: Date.now(),
    message: `this ${kind} is done`,
    connector: fqn,
    fields: {
      recordsIn: sum(each => each.received),
      recordsOut: sum(each => each.written),
      deadLettered: sum(each => each.deadLettered),
      retried: sum(each => each.retried),
      filtered: sum(each => each.filtered),
    },
  }
}

type Numbers = Pick<RunResult, 'recordsIn' | 'recordsOut' | 'deadLettered' | 'retried' | 'filtered' | 'seconds'>

/** The numbers of a run that never came to move a record. */
function nothing(began: number): Numbers {
  return {
    recordsIn: 0,
    recordsOut: 0,
    deadLettered: 0,
    retried: 0,
    filtered: 0,
    seconds: (performance.now() - began) / 1000,
  }
}

/** The line that every run ends with. */
function summary(result: Numbers): string {
  const { recordsIn, recordsOut, deadLettered, retried, filtered, seconds } = result
  // Without a filter the line is as it always was: others read it.
  const kept = filtered > 0 ? ` ${filtered} filtered,` : ''
  return `${recordsIn} records in, ${recordsOut} records out, ${deadLettered} dead-lettered, ${retried} retried,${kept} ${seconds.toFixed(1)} seconds\n`
}
