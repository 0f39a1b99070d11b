import type { ConnectorName } from './config-types.ts'
import type { ConnectorsApi } from './connectors.ts'
import { AdminError } from './errors.ts'
import { fullName } from './name.ts'
import type { ConnectorStatus, ExceptionInformation } from './status-types.ts'
import { delay } from './wait.ts'

/** How to wait. */
export interface UntilRunningOptions {
  /** Milliseconds; default 60000. */
  readonly timeoutMs?: number | undefined
  /** Milliseconds between looks; default 500. */
  readonly intervalMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Told each error that an instance gives for not running, once. */
  readonly onError?: ((error: string) => void) | undefined
}

/**
 * Waits until all instances of a connector run, and gives the status that says so.
 *
 * @throws AdminError `PIO_ADMIN_NOT_RUNNING` with the last error of an instance, when they do not in time.
 */
export async function untilRunning<Instance>(
  connectors: Pick<ConnectorsApi<{ readonly parallelism?: number | undefined }, Instance>, 'get' | 'status'>,
  name: ConnectorName,
  options: UntilRunningOptions = {},
): Promise<ConnectorStatus<Instance>> {
  const { timeoutMs = 60_000, intervalMs = 500, signal = new AbortController().signal, onError } = options
  const deadline = performance.now() + timeoutMs
  // Right after a change there are fewer instances than there will be.
  const { parallelism = 1 } = await connectors.get(name, { signal })
  let last: string | undefined
  for (;;) {
    const status = await connectors.status(name, { signal })
    if (status.numInstances >= parallelism && status.numRunning >= status.numInstances) return status
    const error = lastError(status)
    if (error !== undefined && error !== last) onError?.(error)
    last = error ?? last
    if (performance.now() + intervalMs > deadline) throw notRunning(name, status, last)
    await delay(intervalMs, signal)
  }
}

function notRunning(name: ConnectorName, status: ConnectorStatus<unknown>, error: string | undefined): AdminError {
  const { tenant, namespace, name: own } = fullName(name)
  const count = `${status.numRunning} of ${status.numInstances} instances run`
  const why = error ?? 'no instance has said why; look at the log of the worker'
  return new AdminError('PIO_ADMIN_NOT_RUNNING', `${tenant}/${namespace}/${own} does not run (${count}): ${why}`, {
    reason: error,
  })
}

/** What an instance that does not run says of it, else the newest failure that one remembers. */
export function lastError(status: ConnectorStatus<unknown>): string | undefined {
  const waiting = status.instances.map(each => each.status as InstanceErrors).filter(each => !each.running)
  const said = waiting.map(each => each.error ?? '').find(error => error !== '')
  if (said !== undefined) return said
  const failures = waiting
    .flatMap(each => [
      ...(each.latestSystemExceptions ?? []),
      ...(each.latestSinkExceptions ?? []),
      ...(each.latestSourceExceptions ?? []),
    ])
    .sort((a, b) => b.timestampMs - a.timestampMs)
  return failures[0]?.exceptionString
}

interface InstanceErrors {
  readonly running?: boolean
  readonly error?: string
  readonly latestSystemExceptions?: readonly ExceptionInformation[]
  readonly latestSinkExceptions?: readonly ExceptionInformation[]
  readonly latestSourceExceptions?: readonly ExceptionInformation[]
}
