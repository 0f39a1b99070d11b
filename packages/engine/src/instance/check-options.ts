import { ConnectorError, isConnectorError, type Problem } from '@pulsar-io/sdk/core'
import { fromFailure, messageWithCauses, toError } from '../failure.ts'
import type { OptionAnswer, OptionCheck } from './option-problems.ts'
import type { Assignment } from './protocol.ts'
import { startThread } from './thread.ts'

/** Milliseconds that a connector may take to look at its options. */
const TIMEOUT_MS = 20_000
/** MiB of heap for it. */
const HEAP_MB = 256

/**
 * What a connector says of its options, rules across fields included. Its code runs in a thread of its own that ends
 * behind it, so that nothing of it stays in this one.
 * Throws an ArchiveError when it cannot be loaded, a ConnectorError (`PIO_CHECK`) when it fails or takes too long.
 */
export async function checkOptions(check: OptionCheck): Promise<readonly Problem[]> {
  const worker = startThread(`check ${check.archive.manifest.name}`, HEAP_MB)
  const { promise, resolve, reject } = Promise.withResolvers<OptionAnswer>()
  worker.on('message', resolve)
  worker.on('error', reject)
  worker.on('exit', code => reject(new Error(`its thread ended by itself with code ${code}`)))
  worker.postMessage({ check } satisfies Assignment)
  const timer = setTimeout(() => reject(new Error(`it took longer than ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS)
  try {
    const answer = await promise
    if ('failure' in answer) throw fromFailure(answer.failure)
    return answer.problems
  } catch (error) {
    if (isConnectorError(error)) throw error
    const { name } = check.archive.manifest
    const message = `the ${name} ${check.kind} cannot check its options: ${messageWithCauses(toError(error))}; its author has to hear of it`
    throw new ConnectorError('PIO_CHECK', 'stop', message, { cause: error })
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
