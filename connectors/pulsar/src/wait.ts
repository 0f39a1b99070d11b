import { ConnectionError } from '@pulsar-io/sdk'

/** Nobody waits for the answer any more. */
function stopped(): ConnectionError {
  return new ConnectionError('told to stop before the cluster answered', { code: 'PIO_CONNECTION' })
}

/**
 * What a promise resolves with, or a rejection as soon as the signal aborts. What it resolves with later goes to `late`,
 * so that it can be given back.
 */
export async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  late?: (value: T) => Promise<void>,
): Promise<T> {
  const abort = Promise.withResolvers<never>()
  const onAbort = (): void => abort.reject(stopped())
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, abort.promise])
  } catch (error) {
    // Whoever gave up does not hear of it, and closing what nobody uses cannot fail to anybody's harm.
    if (signal.aborted) promise.then(late, () => undefined).catch(() => undefined)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Waits; ends early, without an error, when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>(resolve => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
