import type { CommandOutput } from '../wire/commands.ts'
import type { MessageFrame } from '../wire/message-frame.ts'

/** What a connection tells a producer. */
export interface ProducerHandler {
  receipt(receipt: CommandOutput<'sendReceipt'>): void
  sendError(error: CommandOutput<'sendError'>): void
  /** The broker closed the producer, because the topic moves; undefined: no word of where to. */
  closedByBroker(): void
  connectionLost(error: Error): void
}

/** What a connection tells a consumer. */
export interface ConsumerHandler {
  /** A message or a batch; what follows the command stands from `start` to `end`. */
  message(frame: MessageFrame, buffer: Buffer, start: number, end: number): void
  activeChange(active: boolean): void
  endOfTopic(): void
  closedByBroker(): void
  connectionLost(error: Error): void
}

/** What a connection tells a watcher of topic names. */
export interface TopicWatcher {
  update(news: CommandOutput<'watchTopicUpdate'>): void
  connectionLost(error: Error): void
}
