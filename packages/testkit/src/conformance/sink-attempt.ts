import type { Outcome, Record } from '@pulsar-io/sdk'
import type { SinkInstance, SinkRun } from './sink-run.ts'

/** Bytes of a batch of 50 kB after which its connection is cut: at its begin, in the middle, near its end. */
export const CUTS = [300, 10_000, 40_000] as const

/** One outcome per record, also where the write as a whole fails. */
export async function attempt(
  run: SinkRun,
  sink: SinkInstance,
  records: readonly Record[],
  signal?: AbortSignal,
): Promise<readonly Outcome[]> {
  try {
    return await sink.write(records, signal ? { signal } : {})
  } catch (error) {
    run.note(error)
    return records.map(() => (error instanceof Error ? error : new Error(String(error))))
  }
}
