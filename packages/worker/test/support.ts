import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LogLine, openMessaging } from '@pulsar-io/engine'
import { connectorEntries, tgz } from '../../engine/test/archive/make-archive.ts'
import { startWorker, type Worker, type WorkerOptions } from '../src/index.ts'

/**
 * A connector without any SDK. The sink appends values to `file`; what `orders` holds makes it misbehave. The source
 * counts to `end`. Its option `file` is required, `password` is a secret.
 */
const PROBE = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
const BRAND = Symbol.for('pulsar-io.connector-error')
const branded = (code, retry, message) => Object.assign(new Error(message), { [BRAND]: true, code, retry })
const ordered = (config, name) => config.orders && existsSync(config.orders) && readFileSync(config.orders, 'utf8').includes(name)
const common = {
  apiLevel: 1, name: 'probe', summary: 'Probe.',
  jsonSchema: () => ({ properties: { file: {}, orders: {}, password: { writeOnly: true }, end: {} } }),
}
export const sink = {
  ...common, kind: 'sink', delivery: 'at-least-once', settles: 'write', batched: true, batchPolicy: () => ({ maxDelayMs: 1 }),
  parse: config => config.file ? { ok: true, config } : { ok: false, problems: [{ path: 'file', message: 'required: where to write' }] },
  create: () => {
    let config
    return {
      open(given, context) {
        config = given
        context.logger.info('GREETING')
        context.logger.info('the password is ' + given.password)
        if (ordered(config, 'refuse')) throw branded('PIO_CONFIG', 'stop', 'the probe cannot be run like this')
      },
      async write(records) {
        if (ordered(config, 'reject')) throw branded('PIO_PROBE', 'reject', 'the probe was told to reject it')
        if (ordered(config, 'crash')) throw new TypeError('a bug in the probe')
        appendFileSync(config.file, records.map(({ value }) => Buffer.from(value).toString() + '\\n').join(''))
      },
      close() {},
    }
  },
}
export const source = {
  ...common, kind: 'source', delivery: 'at-least-once', style: 'pull', schema: () => ({ type: 'STRING' }),
  parse: config => ({ ok: true, config }),
  create: () => {
    let next = 0
    let end = 0
    return { open(config) { end = Number(config.end ?? 0) }, async read() { return next < end ? { value: 'v' + next++ } : null }, close() {} }
  },
}
`

/** The bytes of the probe's archive; another `version` has another checksum. The sink says `greeting` when it opens. */
export function probe(version = '1.0.0', greeting = 'open'): Buffer {
  const configSchema = {
    type: 'object',
    required: ['file'],
    properties: {
      file: { type: 'string', description: 'Where to write' },
      orders: { type: 'string', description: 'What to do wrong' },
      size: { type: ['integer', 'string'], description: 'A number', default: 10 },
      password: { type: 'string', writeOnly: true, description: 'A secret' },
    },
  }
  const facts = { summary: 'Probe.', configSchema, delivery: 'at-least-once' }
  return tgz(
    connectorEntries({
      files: {
        'dist/index.js': `${PROBE.replace('GREETING', greeting)}\n// ${version}\n`,
        'package.json': JSON.stringify({ name: 'probe', version, type: 'module', pulsarIo: { apiLevel: 1 } }),
      },
      manifest: {
        name: 'probe',
        version,
        description: 'Does what it is told.',
        kinds: ['sink', 'source'],
        sink: { export: 'sink', ...facts },
        source: { export: 'source', ...facts },
      },
    }),
  )
}

/** An answer of the REST API. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers: Headers
}

/** A folder with everything that a worker needs; its workers end with it. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'pio-worker-'))
  readonly logs: LogLine[] = []
  readonly #workers = new Set<Worker>()

  constructor() {
    writeFileSync(this.path('probe.tgz'), probe())
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async worker(options: Partial<WorkerOptions> = {}): Promise<Worker> {
    const worker = await startWorker({
      port: 0,
      messaging: { url: `embedded:${this.path('data')}` },
      connectorsDir: this.folder,
      workDir: this.path('work'),
      cacheDir: this.path('cache'),
      // The quickest; threads are another test's.
      isolation: 'inline',
      restart: { minDelayMs: 10, maxDelayMs: 50 },
      limits: { requestsPerSecond: 0 },
      ...options,
      log: line => this.logs.push(line),
    })
    this.#workers.add(worker)
    return worker
  }

  /** Ends the workers and takes everything away. */
  async close(): Promise<void> {
    await Promise.all([...this.#workers].map(worker => worker.close()))
    rmSync(this.folder, { recursive: true, force: true })
  }

  async produce(topic: string, ...values: string[]): Promise<void> {
    const client = await openMessaging({ url: `embedded:${this.path('data')}` })
    const producer = await client.createProducer({ topic })
    await producer.send(values.map(value => ({ payload: Buffer.from(value) })))
    await client.close()
  }

  lines(name = 'out'): readonly string[] {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8').trimEnd().split('\n') : []
  }

  /** Files that uploads left behind. */
  async uploads(): Promise<readonly string[]> {
    await mkdir(this.path('work/uploads'), { recursive: true })
    return readdir(this.path('work/uploads'))
  }

  /** A configuration of the probe's sink. */
  sink(overrides: object = {}): { [field: string]: unknown } {
    return {
      archive: 'builtin://probe',
      inputs: ['in'],
      sourceSubscriptionPosition: 'Earliest',
      configs: { file: this.path('out'), orders: this.path('orders') },
      ...overrides,
    }
  }
}

/** Sends a request. A plain object becomes JSON. */
export async function call(
  worker: Pick<Worker, 'url'>,
  method: string,
  path: string,
  body?: FormData | object,
  headers: { readonly [name: string]: string } = {},
): Promise<Answer> {
  const isForm = body instanceof FormData
  const response = await fetch(worker.url + path, {
    method,
    headers: { ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = response.headers.get('content-type')?.startsWith('application/json') === true
  return { status: response.status, body: json && text !== '' ? JSON.parse(text) : text, headers: response.headers }
}

/** A multipart body as pulsar-admin makes it. */
export function form(kind: 'sink' | 'source', config: unknown, data?: Uint8Array, filename = 'probe.tgz'): FormData {
  const made = new FormData()
  made.append(`${kind}Config`, new Blob([JSON.stringify(config)], { type: 'application/json' }), '')
  if (data !== undefined)
    made.append('data', new Blob([new Uint8Array(data)], { type: 'application/octet-stream' }), filename)
  return made
}

/** Waits until something is so. */
export async function eventually(check: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

interface InstanceBody {
  readonly running: boolean
  readonly state: string
  readonly error: string
  readonly numRestarts: number
  readonly numWrittenToSink: number
  readonly numDeadLettered: number
  readonly workerId: string
  readonly latestSystemExceptions: readonly { readonly exceptionString: string }[]
}

/** The status of a connector's instances. */
export async function statuses(
  worker: Pick<Worker, 'url'>,
  name: string,
  kind = 'sinks',
): Promise<readonly InstanceBody[]> {
  const { status, body } = await call(worker, 'GET', `/admin/v3/${kind}/public/default/${name}/status`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return (body as { instances: { status: InstanceBody }[] }).instances.map(each => each.status)
}
