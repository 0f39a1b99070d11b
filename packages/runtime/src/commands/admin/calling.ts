import { type Admin, type ConnectorName, isAdminError, untilRunning } from '@pulsar-io/admin'
import type { ConnectorKind, Problem } from '@pulsar-io/sdk'
import type { Connect } from '../../admin-connection.ts'
import { ConfigProblems } from '../../config/config-problems.ts'
import { EXIT } from '../../exit.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { reader } from '../../flags/reader.ts'
import { onStop } from '../../signals.ts'

/** Calls the worker for as long as `work` takes; the first signal ends the calls, and the command with code 130 or 143. */
export async function calling(
  connect: Connect,
  work: (admin: Admin, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const stop = onStop()
  try {
    return await work(connect(stop.signal), stop.signal)
  } catch (error) {
    if (!stop.signal.aborted) throw error
    return stop.signal.reason === 'SIGINT' ? EXIT.interrupted : EXIT.terminated
  } finally {
    stop.release()
  }
}

/** The error itself, or, where a worker has no such route because it is not this project's, one that `says` so. */
export function ours(error: unknown, admin: Admin, says: string): unknown {
  // Workers of either kind say of a connector that it does not exist.
  const other = isAdminError(error) && error.code === 'PIO_ADMIN_NOT_FOUND' && !/exist/.test(error.reason ?? '')
  return other ? new ConfigProblems([{ path: '--admin-url', message: `${admin.url} ${says}` }]) : error
}

/** Milliseconds to wait until everything runs; undefined: not asked for. */
export function waitOf(values: FlagValues, problems: Problem[]): number | undefined {
  const timeout = reader(values, problems).duration('--wait-timeout')
  return values.wait === true || timeout !== undefined ? (timeout ?? 60_000) : undefined
}

/** How `--wait` waits. */
export interface WaitOptions {
  /** Undefined: not at all. */
  readonly timeoutMs: number | undefined
  readonly signal: AbortSignal
  /** What was changed may still run as it was: it is looked at a moment later. */
  readonly changed?: boolean
  /** Begins each line, where there are several connectors. */
  readonly label?: string
}

/** Milliseconds until a worker has surely told its instances of a change. */
const CHANGE_MS = 1000

/** Waits as `--wait` asks, and says on stderr how it goes. */
export async function waitUntilRunning(
  admin: Admin,
  kind: ConnectorKind,
  name: ConnectorName,
  { timeoutMs, signal, changed = false, label = '' }: WaitOptions,
): Promise<void> {
  if (timeoutMs === undefined) return
  if (changed) await pause(CHANGE_MS, signal)
  const options = {
    timeoutMs,
    signal,
    onError: (error: string) => process.stderr.write(`${label}does not run yet: ${error}\n`),
  }
  const status =
    kind === 'sink' ? await untilRunning(admin.sinks, name, options) : await untilRunning(admin.sources, name, options)
  process.stderr.write(`${label}running: ${status.numRunning} of ${status.numInstances} instances\n`)
}

/** Resolves after `ms`, or as soon as the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}
