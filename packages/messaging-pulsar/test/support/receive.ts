import type { Consumer, Message } from '@pulsar-io/messaging'

/** Receives until so many messages came, or nothing came for a while. */
export async function take(consumer: Consumer, count: number, patienceMs = 10_000): Promise<Message[]> {
  const messages: Message[] = []
  while (messages.length < count) {
    const more = await consumer.receive({ maxMessages: count - messages.length, timeoutMs: patienceMs })
    if (more.length === 0) break
    messages.push(...more)
  }
  return messages
}

export const text = (message: Message | undefined): string => Buffer.from(message?.payload ?? []).toString()

export const texts = (messages: readonly Message[]): string[] => messages.map(text)

/** Messages with these texts. */
export const outgoing = (...values: readonly string[]) => values.map(value => ({ payload: Buffer.from(value) }))

/** Texts `prefix0`, `prefix1`, … */
export const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`)
