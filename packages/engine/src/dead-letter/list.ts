import type { Message, MessagingClient } from '@pulsar-io/messaging'
import { ConnectionError, formatPosition } from '@pulsar-io/sdk/core'
import { type DeadLetterFacts, deadLetterFacts } from './format.ts'
import { lookAtWaiting, MAX_SEEN, NOT_IN_TIME } from './waiting.ts'

/** Characters of a value that are shown. */
const PREVIEW = 200

/** Whose dead letters, and where they are. */
export interface DeadLetterPlaces {
  /** `tenant/namespace/name`; letters of others in the same topic are passed over. */
  readonly connector: string
  /** Dead letter topics; those that are not there have none. */
  readonly topics: readonly string[]
}

/** A dead letter that waits. */
export interface WaitingLetter extends DeadLetterFacts {
  /** The dead letter topic. */
  readonly deadLetterTopic: string
  /** Its own place there: ledger, entry, … as `topics consume` prints them. */
  readonly letterPosition: string
  /** When it became one, in milliseconds since 1970. */
  readonly time: number
  /** Bytes of the value. */
  readonly size: number
  readonly preview?: ValuePreview
}

/** The beginning of a key and a value. */
export interface ValuePreview {
  readonly key: string | null
  /** Text, or base64 of bytes that are none; null for a tombstone. */
  readonly value: string | null
  readonly encoding: 'utf8' | 'base64'
  /** There is more of it. */
  readonly cut: boolean
}

/** The first letters that wait, in their order in each topic. */
export interface WaitingLetters {
  readonly letters: readonly WaitingLetter[]
  /** There are more, or may be. */
  readonly more: boolean
}

/**
 * Looks at the dead letters of a connector that were not replayed, and leaves them as they are. When the signal
 * aborts it ends early, with `more`.
 *
 * @throws ConnectionError (`PIO_CONSUMER_BUSY`) while they are replayed, (`PIO_DEAD_LETTERS_LATE`) when the signal aborts
 * before there was an answer, and the messaging system's errors.
 */
export async function listDeadLetters(
  client: MessagingClient,
  { connector, topics }: DeadLetterPlaces,
  { limit, showValues, signal }: { readonly limit: number; readonly showValues: boolean; readonly signal: AbortSignal },
): Promise<WaitingLetters> {
  const letters: WaitingLetter[] = []
  for (const topic of topics) {
    if (signal.aborted) return { letters, more: true }
    if (!(await client.topics.exists(topic))) continue
    const waiting = await inTime(lookAtWaiting(client, topic, signal), signal)
    try {
      let seen = 0
      for (;;) {
        const messages = await waiting.next(signal)
        seen += messages.length
        for (const message of messages) {
          const facts = deadLetterFacts(message.properties)
          if (!belongsTo(facts, connector)) continue
          if (letters.length === limit) return { letters, more: true }
          letters.push(letterOf(message, facts, topic, showValues))
        }
        if (messages.length === 0) break
      }
      if (seen >= MAX_SEEN || signal.aborted) return { letters, more: true }
    } finally {
      await waiting.close()
    }
  }
  return { letters, more: false }
}

async function inTime<T>(opening: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await opening
  } catch (error) {
    if (!signal.aborted) throw error
    throw new ConnectionError(NOT_IN_TIME, { code: 'PIO_DEAD_LETTERS_LATE', cause: error })
  }
}

/** One that names no connector was written by something else, for the same subscription. */
export function belongsTo(facts: DeadLetterFacts, connector: string): boolean {
  return facts.connector === undefined || facts.connector === connector
}

function letterOf(message: Message, facts: DeadLetterFacts, topic: string, showValues: boolean): WaitingLetter {
  return {
    deadLetterTopic: topic,
    letterPosition: formatPosition(message.position),
    ...facts,
    time: message.publishTime,
    size: message.size,
    ...(showValues ? { preview: preview(message) } : {}),
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function preview({ key, payload }: Message): ValuePreview {
  const shownKey = key?.slice(0, PREVIEW) ?? null
  if (payload === null) return { key: shownKey, value: null, encoding: 'utf8', cut: false }
  // Some bytes more: a character of several must not be cut in two.
  const start = payload.subarray(0, PREVIEW * 4)
  const text = textOf(start, start.length < payload.length)
  if (text !== undefined) {
    const characters = [...text]
    const cut = characters.length > PREVIEW || start.length < payload.length
    return { key: shownKey, value: characters.slice(0, PREVIEW).join(''), encoding: 'utf8', cut }
  }
  const bytes = Buffer.from(payload.subarray(0, PREVIEW))
  return { key: shownKey, value: bytes.toString('base64'), encoding: 'base64', cut: payload.length > PREVIEW }
}

/** Undefined where it is no text; the last character of one that goes on may be incomplete. */
function textOf(bytes: Uint8Array, goesOn: boolean): string | undefined {
  for (let less = 0; less <= (goesOn ? 3 : 0); less++) {
    try {
      return strictUtf8.decode(bytes.subarray(0, bytes.length - less))
    } catch {
      // Not text, or a character that is cut in two: with fewer bytes it shows.
    }
  }
  return undefined
}
