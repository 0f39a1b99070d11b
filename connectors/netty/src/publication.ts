import type { Emit, SourceRecord } from '@pulsar-io/sdk'

/** What became of the records of one request. */
export interface Result {
  readonly published: number
  /** Why the others were not; undefined when all were. */
  readonly error: Error | undefined
}

/**
 * Hands records to the runtime and tells what became of all of them together. `settled` is called when the runtime holds
 * none of them any more.
 */
export function publish(emit: Emit, records: readonly SourceRecord[], settled: () => void): Promise<Result> {
  return new Promise(resolve => {
    let open = records.length
    let published = 0
    let error: Error | undefined
    const settle = () => {
      if (--open > 0) return
      settled()
      resolve({ published, error })
    }
    const ack = () => {
      published++
      settle()
    }
    const fail = (reason: Error) => {
      error ??= reason
      settle()
    }
    emit(records.map(record => ({ ...record, ack, fail }))).catch(reason => {
      // The runtime stops: it will not tell about the rest.
      if (open <= 0) return
      error ??= reason instanceof Error ? reason : new Error(String(reason))
      open = 1
      settle()
    })
  })
}
