import type { Message, MessagingClient, SeekTarget } from '@pulsar-io/messaging'
import { type Codec, codecFor } from '@pulsar-io/schema'
import { formatPosition, type Problem, parseDuration, type SchemaInfo, stringifyJson } from '@pulsar-io/sdk'
import { flagValue } from '../config/flag-fields.ts'
import { EXIT } from '../exit.ts'
import type { FlagValues } from '../flags/flag.ts'
import { reader } from '../flags/reader.ts'
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
    await out.write(options.output === 'json' ? await jsonLines(messages) : await valueLines(messages))
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

/** Payloads as they are where they are text; the JSON of a value where they are not. */
async function valueLines(messages: readonly Message[]): Promise<Uint8Array> {
  const codecs = await codecsOf(messages)
  return Buffer.concat(
    messages.flatMap(message => {
      const { payload, schema } = message
      const { value, undecoded } = decoded(message, codecs)
      const raw = undecoded || schema === undefined || TEXT.has(schema.type)
      return [raw ? (payload ?? Buffer.from('null')) : Buffer.from(stringifyJson(value)), NEWLINE]
    }),
  )
}

async function jsonLines(messages: readonly Message[]): Promise<string> {
  const codecs = await codecsOf(messages)
  return messages.map(message => `${stringifyJson(describe(message, codecs))}\n`).join('')
}

/** Schemas whose payload is text already. */
const TEXT: ReadonlySet<string> = new Set(['NONE', 'BYTES', 'STRING', 'JSON'])

type Codecs = ReadonlyMap<SchemaInfo, Codec>

async function codecsOf(messages: readonly Message[]): Promise<Codecs> {
  const codecs = new Map<SchemaInfo, Codec>()
  for (const { schema } of messages) {
    if (schema === undefined || codecs.has(schema)) continue
    try {
      codecs.set(schema, await codecFor(schema))
    } catch {
      // A schema that cannot be used is no reason to hide the bytes.
    }
  }
  return codecs
}

/** A record as `--output json` prints it. */
export function describe(message: Message, codecs: Codecs): { readonly [name: string]: unknown } {
  return {
    topic: message.topic,
    key: message.key ?? null,
    ...(message.keyIsBase64 ? { keyEncoding: 'base64' } : {}),
    ...shownValue(message, codecs),
    properties: message.properties,
    position: formatPosition(message.position),
    eventTime: message.eventTime ?? null,
    publishTime: message.publishTime,
    redeliveryCount: message.redeliveryCount,
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What the schema makes of it, text where it is text, else base64 with a note that it is. */
function shownValue(
  message: Message,
  codecs: Codecs,
): { readonly value: unknown; readonly valueEncoding?: 'base64'; readonly keyValue?: unknown } {
  const { payload } = message
  const { undecoded, ...shown } = decoded(message, codecs)
  if (!undecoded && !(shown.value instanceof Uint8Array)) return shown
  if (payload === null) return { value: null }
  try {
    return { value: strictUtf8.decode(payload) }
  } catch {
    // Not text: bytes travel as base64.
    return { value: Buffer.from(payload).toString('base64'), valueEncoding: 'base64' }
  }
}

/** `undecoded`: the payload does not match its schema, or has none; it is shown as it is. */
function decoded(
  { payload, schema, key, keyIsBase64 }: Message,
  codecs: Codecs,
): { readonly value: unknown; readonly keyValue?: unknown; readonly undecoded?: true } {
  const codec = schema && codecs.get(schema)
  if (!codec) return { value: null, undecoded: true }
  try {
    if (!codec.keyValue) return { value: payload === null ? null : codec.decode(payload) }
    const bytes = key === undefined ? undefined : Buffer.from(key, keyIsBase64 ? 'base64' : 'utf8')
    const { key: keyValue, value } = codec.keyValue.decode({ payload, key: bytes })
    return { keyValue, value }
  } catch {
    // The topic says so, this record is none.
    return { value: null, undecoded: true }
  }
}
