import type { PulsarOutgoingMessage } from '@pulsar-io/messaging-pulsar'
import { isConnectorError, type Outcome, type Record } from '@pulsar-io/sdk'
import { messageOf } from './message.ts'

/** Gets batches into topics. */
export interface Writer {
  /** Looks whether a topic can be written to. */
  prepare(target: string): Promise<void>
  /** As {@link BatchSink.write} of a sink; throws where it does not know what of the batch is published. */
  write(records: readonly Record[], signal: AbortSignal): Promise<readonly Outcome[] | void>
  /** Stops what goes on in the background; what is open is closed with the client. */
  close(): void
}

/** Records that can be messages, and what is wrong with the others. */
export interface Encoded {
  readonly messages: readonly { readonly record: Record; readonly message: PulsarOutgoingMessage }[]
  /** One per record; undefined where all of them are messages. */
  readonly outcomes: readonly Outcome[] | undefined
}

/** Makes messages of records. */
export function encode(records: readonly Record[], sequenceOf: (record: Record) => bigint | undefined): Encoded {
  const messages: { record: Record; message: PulsarOutgoingMessage }[] = []
  const outcomes: Outcome[] = new Array<Outcome>(records.length).fill(undefined)
  records.forEach((record, i) => {
    try {
      messages.push({ record, message: messageOf(record, sequenceOf(record)) })
    } catch (error) {
      if (!isConnectorError(error)) throw error
      outcomes[i] = error
    }
  })
  return { messages, outcomes: messages.length === records.length ? undefined : outcomes }
}
