import type { Outcome, PartitionCheckpoint } from '@pulsar-io/sdk'
import { isConnectorError, type TransientError } from '@pulsar-io/sdk/core'
import { Backoff, RETRY_BACKOFF } from '../backoff.ts'
import { messageWithCauses, retryMeaning, toError } from '../failure.ts'
import { sleep } from '../wait.ts'
import type { TaskServices } from './context.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Rejected } from './decoder.ts'
import type { SinkHandle } from './sink-handle.ts'
import type { TaskRecord } from './task-record.ts'

/** What settling a batch needs. */
export interface SettleOptions {
  readonly handle: SinkHandle
  readonly deadLetters: DeadLetters
  readonly services: TaskServices
  /** What a transactional sink stores with the batch. */
  readonly checkpoint: readonly PartitionCheckpoint[]
  /** The sink stores the checkpoint in the transaction of the records. */
  readonly transactional: boolean
  /** Records of one key keep their order through retries. */
  readonly ordered: boolean
  /** Retries before a record with a passing error becomes a dead letter; undefined: for ever. */
  readonly maxRetries: number | undefined
  /** ATMOST_ONCE: what fails is not tried again. */
  readonly once: boolean
  /** Called with records as they are written or dead-lettered. */
  readonly settled: (records: readonly TaskRecord[]) => Promise<void>
}

/**
 * Writes a batch until every record of it is written or dead-lettered, or the signal aborts.
 * Throws what only a restart or another configuration can cure.
 */
export async function settleBatch(
  records: readonly TaskRecord[],
  undecodable: readonly Rejected[],
  options: SettleOptions,
): Promise<void> {
  const { handle, services } = options
  const { stats, signal } = services
  await bury(undecodable, options)
  let pending: readonly TaskRecord[] = records
  const backoff = new Backoff(RETRY_BACKOFF)
  while (pending.length > 0 && !signal.aborted) {
    const fresh = pending.filter(record => !handle.holds(record))
    if (fresh.length < pending.length) {
      stats.deduplicated += pending.length - fresh.length
      await options.settled(pending.filter(record => handle.holds(record)))
      pending = fresh
      continue
    }
    if (services.lease?.over()) {
      await stats.rest(services.lease.renewed(signal))
      continue
    }
    const verdict = judge(pending, await attempt(pending, options), options)
    stats.written += verdict.written.length
    await bury(verdict.rejected, options)
    if (verdict.written.length > 0) await options.settled(verdict.written)
    pending = verdict.again
    if (verdict.away) await handle.recover(verdict.away)
    else if (pending.length > 0 && verdict.failed > 0) {
      stats.retried += verdict.failed
      await stats.rest(sleep(Math.max(backoff.next(), verdict.retryAfterMs), signal))
    }
  }
}

async function attempt(
  records: readonly TaskRecord[],
  { handle, checkpoint }: SettleOptions,
): Promise<readonly Outcome[]> {
  try {
    return await handle.write(records, checkpoint)
  } catch (thrown) {
    const meaning = retryMeaning(thrown)
    if (meaning === undefined || meaning === 'stop') throw thrown
    const error = toError(thrown)
    return records.map(() => error)
  }
}

interface Verdict {
  readonly written: TaskRecord[]
  readonly rejected: Rejected[]
  /** To be written again, in their order. */
  again: readonly TaskRecord[]
  /** How many of `again` failed themselves. */
  failed: number
  /** The error that means the external system is away or refuses us. */
  away: Error | undefined
  /** Milliseconds that the external system asked us to wait. */
  retryAfterMs: number
}

function judge(records: readonly TaskRecord[], outcomes: readonly Outcome[], options: SettleOptions): Verdict {
  const { stats } = options.services
  const verdict: Verdict = { written: [], rejected: [], again: [], failed: 0, away: undefined, retryAfterMs: 0 }
  if (!outcomes.some(outcome => outcome !== undefined)) {
    for (const record of records) verdict.written.push(record)
    return verdict
  }
  const again: TaskRecord[] = []
  const heldBack = new Set<string | undefined>()
  records.forEach((record, i) => {
    const error = outcomes[i]
    if (error === undefined) {
      // Behind a failed record of the same key a success has to be repeated, or the older value would win.
      if (options.ordered && heldBack.has(record.key)) again.push(record)
      else verdict.written.push(record)
      return
    }
    const meaning = retryMeaning(error)
    if (meaning === undefined || meaning === 'stop') throw error
    stats.connectorError(error)
    if (meaning === 'reject') {
      verdict.rejected.push({ record, error })
      return
    }
    if (meaning === 'reconnect' || meaning === 'block') verdict.away ??= error
    else {
      record.attempts++
      verdict.retryAfterMs = Math.max(verdict.retryAfterMs, retryAfter(error))
    }
    if (options.once || (options.maxRetries !== undefined && record.attempts > options.maxRetries)) {
      verdict.rejected.push({ record, error })
      return
    }
    heldBack.add(record.key)
    verdict.failed++
    again.push(record)
  })
  verdict.again = options.transactional ? afterRollback(records, verdict) : again
  return verdict
}

/** A transactional sink that names failures has rolled back: what it did not name is not stored either. */
function afterRollback(records: readonly TaskRecord[], verdict: Verdict): readonly TaskRecord[] {
  verdict.written.length = 0
  const gone = new Set(verdict.rejected.map(({ record }) => record))
  return records.filter(record => !gone.has(record))
}

function retryAfter(error: Error): number {
  return isConnectorError(error) ? ((error as Partial<TransientError>).retryAfterMs ?? 0) : 0
}

/** Publishes dead letters until they are durable, then settles their records. */
async function bury(rejected: readonly Rejected[], options: SettleOptions): Promise<void> {
  if (rejected.length === 0) return
  const { stats, log, signal } = options.services
  const [first] = rejected
  if (first) {
    log('warn', 'records became dead letters', {
      count: rejected.length,
      topic: options.deadLetters.topicFor(first.record.topic),
      reason: messageWithCauses(first.error),
      code: isConnectorError(first.error) ? first.error.code : undefined,
    })
  }
  const backoff = new Backoff(RETRY_BACKOFF)
  while (!signal.aborted) {
    try {
      await options.deadLetters.publish(rejected)
      stats.deadLettered += rejected.length
      await options.settled(rejected.map(({ record }) => record))
      return
    } catch (thrown) {
      stats.systemError(thrown)
      if (retryMeaning(thrown) === 'stop') throw thrown
      log('error', 'dead letters cannot be published; nothing is lost, trying again', {
        reason: messageWithCauses(toError(thrown)),
      })
      await stats.rest(sleep(backoff.next(), signal))
    }
  }
}
