import type { PulsarOutgoingMessage } from '@pulsar-io/messaging-pulsar'
import { type BatchInfo, isConnectorError, type Outcome, type PartitionCheckpoint, type Record } from '@pulsar-io/sdk'
import { messageOf } from './message.ts'
import type { TopicTemplate } from './topic-template.ts'

/** Gets batches into topics. */
export interface Writer {
  /** Looks whether a topic can be written to. */
  prepare(target: string): Promise<void>
  /** As {@link BatchSink.write} of a sink; throws where it does not know what of the batch is published. */
  write(records: readonly Record[], batch: BatchInfo): Promise<readonly Outcome[] | void>
  /** How far the target got, where that is kept there. */
  committed?(): readonly PartitionCheckpoint[]
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

/** Messages by the topic that they go to, each in order. */
export function byTarget({ messages }: Encoded, targets: TopicTemplate): Map<string, PulsarOutgoingMessage[]> {
  const groups = new Map<string, PulsarOutgoingMessage[]>()
  for (const { record, message } of messages) {
    const target = targets.targetOf(record.topic)
    const group = groups.get(target)
    if (group) group.push(message)
    else groups.set(target, [message])
  }
  return groups
}

/** Waits for all of them, so that nothing is on its way when one has failed; rejects with the first error. */
export async function allSettled(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) if (result.status === 'rejected') throw result.reason
}
