import type { Message, MessagingClient, SeekTarget } from '@pulsar-io/messaging'
import { formatPosition, type Problem, parseDuration } from '@pulsar-io/sdk'
import { flagValue } from '../config/flag-fields.ts'
import { EXIT } from '../exit.ts'
import type { FlagValues } from '../flags/flag.ts'
import { reader } from '../flags/run-options.ts'
import { consumeFlags } from '../flags/topics.ts'
import { noLog, requireTopic, withMessaging, withTopics } from '../messaging.ts'
import { outputTo } from '../output.ts'
import { onStop } from '../signals.ts'

interface ConsumeOptions {
  readonly from: SeekTarget
  readonly count: number | undefined
  readonly follow: boolean
  readonly idleMs: number | undefined
  readonly subscription: string | undefined
  readonly output: 'value' | 'json'
}

/** Messages at a time at most. */
const BATCH = 1000

/** `topics consume`: prints what is in a topic, and waits for more where that was asked for. */
export async function consume(topic: string, values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const options = consumeOptions(values, problems)
  // A subscription is something to leave behind; without one nothing is.
  const open: typeof withTopics =
    options.subscription === undefined
      ? withTopics
      : (flags, found, work) => withMessaging(flags, found, client => work(client, ''))
  return open(values, problems, async (client, directory) => {
    if (client === undefined) throw noLog(topic, directory)
    if (options.subscription === undefined) await requireTopic(client, topic)
    const stop = onStop()
    const feed = await openFeed(client, topic, options)
    try {
      await print(feed, options, stop.signal)
      return EXIT.ok
    } finally {
      stop.release()
      await feed.close()
    }
  })
}

function consumeOptions(values: FlagValues, problems: Problem[]): ConsumeOptions {
  const flags = reader(values, problems)
  const outputFlag = consumeFlags.flatMap(group => group.flags).find(flag => flag.flags.startsWith('--output'))
  const from = parseFrom((values.from as string | undefined) ?? 'earliest', problems)
  if (typeof values.subscription === 'string' && typeof from === 'object') {
    problems.push({ path: '--from', message: 'must be earliest or latest with --subscription' })
  }
  return {
    from,
    count: flags.whole('--count', 1, Number.MAX_SAFE_INTEGER),
    follow: values.follow === true,
    idleMs: flags.duration('--exit-when-idle'),
    subscription: values.subscription as string | undefined,
    output:
      outputFlag && values.output !== undefined && flagValue(outputFlag, values.output, problems) === 'json'
        ? 'json'
        : 'value',
  }
}

/** Reads `--from`: a word, a time, or how long ago. */
export function parseFrom(text: string, problems: Problem[], now: () => number = Date.now): SeekTarget {
  const word = text.toLowerCase()
  if (word === 'earliest' || word === 'latest') return word
  if (/^\d{12,}$/.test(text)) return { time: Number(text) }
  const ago = /[a-z]$/.test(text) ? parseDuration(text) : undefined
  if (ago !== undefined) return { time: now() - ago }
  // Date.parse takes almost anything: only what is written as a date counts.
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return { time }
  problems.push({
    path: '--from',
    message: `must be earliest, latest, a time such as 2025-01-31T12:00:00Z or how long ago, such as 10m, got ${JSON.stringify(text)}`,
  })
  return 'earliest'
}

/** Where records come from: a reader, or a subscription. */
interface Feed {
  next(options: { maxMessages: number; timeoutMs?: number; signal: AbortSignal }): Promise<readonly Message[]>
  atEnd(): Promise<boolean>
  printed(messages: readonly Message[]): Promise<void>
  close(): Promise<void>
}

async function openFeed(client: MessagingClient, topic: string, options: ConsumeOptions): Promise<Feed> {
  const { subscription } = options
  if (subscription === undefined) {
    const source = await client.createReader({ topic, from: options.from })
    return {
      next: asked => source.read(asked),
      atEnd: async () => !(await source.hasNext()),
      printed: () => Promise.resolve(),
      close: () => source.close(),
    }
  }
  const consumer = await client.subscribe({
    topics: [topic],
    subscription,
    type: 'Shared',
    initialPosition: options.from === 'latest' ? 'Latest' : 'Earliest',
  })
  return {
    next: asked => consumer.receive(asked),
    atEnd: async () => (await consumer.backlog()) === 0,
    printed: messages => consumer.acknowledge(messages),
    close: () => consumer.close(),
  }
}

async function print(feed: Feed, options: ConsumeOptions, signal: AbortSignal): Promise<void> {
  const out = outputTo(process.stdout)
  const waits = options.follow || options.count !== undefined || options.idleMs !== undefined
  let left = options.count ?? Number.POSITIVE_INFINITY
  while (left > 0 && !signal.aborted) {
    if (!waits && (await feed.atEnd())) return
    const messages = await receive(feed, Math.min(BATCH, left), options.idleMs, signal)
    if (messages.length === 0) {
      if (options.idleMs !== undefined) return
      continue
    }
    left -= messages.length
    await out.write(options.output === 'json' ? jsonLines(messages) : valueLines(messages))
    await feed.printed(messages)
  }
}

async function receive(
  feed: Feed,
  maxMessages: number,
  timeoutMs: number | undefined,
  signal: AbortSignal,
): Promise<readonly Message[]> {
  try {
    return await feed.next({ maxMessages, signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  } catch (error) {
    // Being stopped is how a wait for more ends.
    if (signal.aborted) return []
    throw error
  }
}

const NEWLINE = Buffer.from('\n')

function valueLines(messages: readonly Message[]): Uint8Array {
  return Buffer.concat(messages.flatMap(({ payload }) => [payload ?? Buffer.from('null'), NEWLINE]))
}

function jsonLines(messages: readonly Message[]): string {
  return messages.map(message => `${JSON.stringify(describe(message))}\n`).join('')
}

/** A record as `--output json` prints it. */
export function describe(message: Message): { readonly [name: string]: unknown } {
  return {
    topic: message.topic,
    key: message.key ?? null,
    ...shownValue(message),
    properties: message.properties,
    position: formatPosition(message.position),
    eventTime: message.eventTime ?? null,
    publishTime: message.publishTime,
    redeliveryCount: message.redeliveryCount,
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** JSON where the schema says so, text where it is text, else base64 with a note that it is. */
function shownValue({ payload, schema }: Message): { readonly value: unknown; readonly valueEncoding?: 'base64' } {
  if (payload === null) return { value: null }
  let text: string
  try {
    text = strictUtf8.decode(payload)
  } catch {
    // Not text: bytes travel as base64.
    return { value: Buffer.from(payload).toString('base64'), valueEncoding: 'base64' }
  }
  if (schema?.type !== 'JSON') return { value: text }
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    // The topic says JSON, this record is none: it is shown as it is.
    return { value: text }
  }
}
