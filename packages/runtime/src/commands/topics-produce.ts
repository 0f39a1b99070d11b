import { constants, createReadStream, readFileSync } from 'node:fs'
import { access } from 'node:fs/promises'
import type { MessagingClient, OutgoingMessage, Producer } from '@pulsar-io/messaging'
import { type Codec, codecFor, parseSchema } from '@pulsar-io/schema'
import {
  isConnectorError,
  type Problem,
  type Properties,
  parseJson,
  type SchemaInfo,
  stringifyJson,
} from '@pulsar-io/sdk'
import { readFailure } from '../config/config-file.ts'
import { ConfigProblems } from '../config/config-problems.ts'
import { jsonMistake } from '../config/json-error.ts'
import { EXIT } from '../exit.ts'
import type { FlagValues } from '../flags/flag.ts'
import { reader } from '../flags/reader.ts'
import { readLines } from '../lines.ts'
import { withMessaging } from '../messaging.ts'
import { onStop } from '../signals.ts'

/** Records in a batch at most. */
const BATCH_RECORDS = 1000
/** Bytes in a batch at most; a single larger record still goes. */
const BATCH_BYTES = 1024 * 1024
/** Batches on their way at most. */
const MAX_IN_FLIGHT = 4

interface ProduceOptions {
  readonly file: string
  readonly keyField: string | undefined
  readonly properties: Properties
  readonly schema: SchemaInfo | undefined
  /** How a line becomes a payload, where it is not the payload itself. */
  readonly codec: Codec | undefined
  readonly rate: number | undefined
}

/** `topics produce`: one record per line; always ends by saying how many records were acknowledged. */
export async function produce(topic: string, values: FlagValues): Promise<number> {
  const problems: Problem[] = []
  const asked = produceOptions(values, problems)
  if (asked.file !== '-') await checkReadable(asked.file, problems)
  return withMessaging(values, problems, async client => {
    const schema = await schemaFor(client, topic, asked.schema)
    const options = { ...asked, schema, codec: await lineCodec(schema) }
    checkKeyField(options)
    const stop = onStop()
    let producer: Producer | undefined
    const sender = new Sender(() => producer, options.rate)
    try {
      producer = await client.createProducer({ topic, ...(options.schema ? { schema: options.schema } : {}) })
      await pump(options, sender, stop.signal)
      await sender.finish()
      return EXIT.ok
    } finally {
      // In every case: what is on its way is awaited, and then counted.
      await sender.settled()
      stop.release()
      const n = sender.acknowledged
      process.stderr.write(`${n} ${n === 1 ? 'record' : 'records'} acknowledged\n`)
      await producer?.close()
    }
  })
}

/** Looked at before there is a topic: a file that is not there leaves nothing behind. */
async function checkReadable(file: string, problems: Problem[]): Promise<void> {
  try {
    await access(file, constants.R_OK)
  } catch (error) {
    problems.push({ path: '--file', message: `cannot read ${file}: ${readFailure(error)}` })
  }
}

/** The schema to publish with: the one that is asked for, else the one of the topic. Throws when they differ. */
async function schemaFor(
  client: MessagingClient,
  topic: string,
  asked: SchemaInfo | undefined,
): Promise<SchemaInfo | undefined> {
  if (!(await client.topics.exists(topic))) return asked
  const { schema } = await client.topics.stats(topic)
  if (schema === undefined || asked === undefined) return schema ?? asked
  if (asked.type === schema.type) return asked.definition === undefined && asked.keyValue === undefined ? schema : asked
  const has = schema.type.toLowerCase()
  throw new ConfigProblems([
    {
      path: '--schema',
      message: `${topic} has the schema ${has}, which its readers rely on; leave --schema out, or choose another topic`,
    },
  ])
}

function produceOptions(values: FlagValues, problems: Problem[]): ProduceOptions {
  const properties: { [name: string]: string } = {}
  for (const pair of (values.property as readonly string[] | undefined) ?? []) {
    const at = pair.indexOf('=')
    if (at > 0) properties[pair.slice(0, at)] = pair.slice(at + 1)
    else problems.push({ path: '--property', message: `must be name=value, got ${JSON.stringify(pair)}` })
  }
  return {
    file: (values.file as string | undefined) ?? '-',
    keyField: values.keyField as string | undefined,
    properties,
    schema: values.schema === undefined ? undefined : readSchema(String(values.schema), problems),
    codec: undefined,
    rate: reader(values, problems).whole('--rate', 1, 10_000_000),
  }
}

function readSchema(text: string, problems: Problem[]): SchemaInfo | undefined {
  try {
    return parseSchema(text, file => readFileSync(file, 'utf8'))
  } catch (error) {
    const message = isConnectorError(error) ? error.message : `cannot read the definition: ${readFailure(error)}`
    problems.push({ path: '--schema', message })
    return undefined
  }
}

/** Lines are the payload itself where the schema says bytes, text or nothing; of JSON they are looked at as well. */
async function lineCodec(schema: SchemaInfo | undefined): Promise<Codec | undefined> {
  const raw = schema === undefined || ['NONE', 'BYTES', 'STRING', 'JSON'].includes(schema.type)
  return raw ? undefined : codecFor(schema)
}

function checkKeyField({ keyField, schema, codec }: ProduceOptions): void {
  if (keyField === undefined || codec !== undefined || schema === undefined || schema.type === 'JSON') return
  const message = `needs records in JSON, but the schema is ${schema.type.toLowerCase()}`
  throw new ConfigProblems([{ path: '--key-field', message }])
}

async function pump(options: ProduceOptions, sender: Sender, signal: AbortSignal): Promise<void> {
  const input = options.file === '-' ? process.stdin : createReadStream(options.file)
  const end = () => input.destroy()
  signal.addEventListener('abort', end, { once: true })
  let number = 0
  try {
    for await (const lines of readLines(input, placeOf(options.file))) {
      for (const line of lines) {
        number++
        const message = toMessage(line, number, options)
        if (message === undefined) continue
        await sender.add(message)
        if (signal.aborted) return
      }
      // Nobody at a terminal or behind a slow pipe waits for a batch to fill.
      await sender.flush()
    }
  } catch (error) {
    if (signal.aborted) return
    // What was read before the mistake is published.
    await sender.flush()
    throw readError(options.file, error)
  } finally {
    signal.removeEventListener('abort', end)
    input.destroy()
  }
}

function readError(file: string, error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).syscall === undefined) return error
  return new ConfigProblems([{ path: '--file', message: `cannot read ${file}: ${readFailure(error)}` }])
}

/** The record of a line; undefined for an empty line among JSON. Throws ConfigProblems with the line's number. */
export function toMessage(
  line: Uint8Array,
  number: number,
  { keyField, properties, schema, codec, file }: Omit<ProduceOptions, 'rate'>,
): OutgoingMessage | undefined {
  if (keyField === undefined && codec === undefined && schema?.type !== 'JSON') return { payload: line, properties }
  if (line.length === 0) return undefined
  const place = `${placeOf(file)}:${number}`
  const refuse = (message: string) =>
    new ConfigProblems(
      [{ path: place, message: `${message}; nothing from this line on was published` }],
      [],
      'PIO_LINE',
    )
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8')
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    const { message, position } = jsonMistake(text, error)
    throw refuse(`not JSON: ${message} at character ${position + 1}`)
  }
  const key = keyField === undefined ? undefined : keyOf(value, keyField)
  if (keyField !== undefined && key === undefined) {
    throw refuse(`--key-field ${keyField}: the record has no such field with a text or a number`)
  }
  try {
    return { ...(codec ? encoded(codec, value) : { payload: line }), properties, ...(key === undefined ? {} : { key }) }
  } catch (error) {
    if (!isConnectorError(error)) throw error
    throw refuse(error.message)
  }
}

function keyOf(value: unknown, field: string): string | undefined {
  const key = isFields(value) ? value[field] : undefined
  if (typeof key === 'string') return key
  return typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean' ? stringifyJson(key) : undefined
}

/** A KEY_VALUE line is an object with key and value. */
function encoded(codec: Codec, value: unknown): OutgoingMessage {
  if (!codec.keyValue) return { payload: value === null ? null : codec.encode(value) }
  const record = isFields(value) ? value : {}
  const { payload, key } = codec.keyValue.encode({ key: record.key, value: record.value })
  return { payload, ...(key ? { key: Buffer.from(key).toString('base64'), keyIsBase64: true } : {}) }
}

function placeOf(file: string): string {
  return file === '-' ? 'standard input' : file
}

function isFields(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Gathers records into batches, with a bound on what is on its way. */
class Sender {
  acknowledged = 0
  readonly #producer: () => Producer | undefined
  readonly #rate: number | undefined
  readonly #inFlight = new Set<Promise<void>>()
  #batch: OutgoingMessage[] = []
  #bytes = 0
  #failure: { readonly error: unknown } | undefined
  #sent = 0
  #started = 0

  constructor(producer: () => Producer | undefined, rate: number | undefined) {
    this.#producer = producer
    this.#rate = rate
  }

  async add(message: OutgoingMessage): Promise<void> {
    this.#batch.push(message)
    this.#bytes += message.payload?.length ?? 0
    // With a rate, a batch is a twentieth of a second at most.
    const records = this.#rate === undefined ? BATCH_RECORDS : Math.min(BATCH_RECORDS, Math.ceil(this.#rate / 20))
    if (this.#batch.length >= records || this.#bytes >= BATCH_BYTES) await this.flush()
  }

  /** Sends what is gathered once there is room. Throws the error of an earlier batch. */
  async flush(): Promise<void> {
    while (this.#inFlight.size >= MAX_IN_FLIGHT) await Promise.race(this.#inFlight)
    if (this.#failure) throw this.#failure.error
    const producer = this.#producer()
    const batch = this.#batch
    if (batch.length === 0 || producer === undefined) return
    this.#batch = []
    this.#bytes = 0
    await this.#pace(batch.length)
    const sending = producer.send(batch).then(
      positions => {
        this.acknowledged += positions.length
      },
      (error: unknown) => {
        this.#failure ??= { error }
      },
    )
    this.#inFlight.add(sending)
    void sending.then(() => this.#inFlight.delete(sending))
  }

  /** Waits for everything that is on its way. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight)
  }

  /** Settles, and throws the error of a batch that failed. */
  async finish(): Promise<void> {
    await this.flush()
    await this.settled()
    if (this.#failure) throw this.#failure.error
  }

  async #pace(records: number): Promise<void> {
    if (this.#rate === undefined) return
    if (this.#started === 0) this.#started = performance.now()
    const due = this.#started + (this.#sent / this.#rate) * 1000
    this.#sent += records
    const wait = due - performance.now()
    if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait))
  }
}
