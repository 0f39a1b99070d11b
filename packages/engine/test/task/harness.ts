import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Message, MessagingClient, OutgoingMessage } from '@pulsar-io/messaging'
import { openEmbedded } from '@pulsar-io/messaging-embedded'
import type { ConnectorKind, LogFields, SchemaInfo, SinkDefinition, SourceDefinition } from '@pulsar-io/sdk'
import { onTestFinished } from 'vitest'
import type { SinkInstanceSpec, SourceInstanceSpec } from '../../src/instance/spec.ts'
import { type LeaseStart, LeaseView } from '../../src/lease.ts'
import type { TaskServices } from '../../src/task/context.ts'
import { Hold } from '../../src/task/hold.ts'
import { SinkTask } from '../../src/task/sink-task.ts'
import { SourceTask } from '../../src/task/source-task.ts'
import { TaskStats } from '../../src/task/stats.ts'
import { type Chain, compileTransforms } from '../../src/transform/index.ts'
import { defer } from '../../src/wait.ts'

/** Everything a task works with, on a log of its own in a temporary folder that is gone after the test. */
export async function world() {
  const directory = mkdtempSync(join(tmpdir(), 'pio-task-'))
  const client = await openEmbedded({ directory })
  onTestFinished(async () => {
    await client.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return new World(client)
}

class World {
  readonly client: MessagingClient

  constructor(client: MessagingClient) {
    this.client = client
  }

  async produce(topic: string, messages: readonly (OutgoingMessage | string)[], schema?: SchemaInfo): Promise<void> {
    const producer = await this.client.createProducer({ topic, ...(schema ? { schema } : {}) })
    await producer.send(
      messages.map(message => (typeof message === 'string' ? { payload: Buffer.from(message) } : message)),
    )
    await producer.close()
  }

  /** Everything that a topic holds now. */
  async contents(topic: string): Promise<readonly Message[]> {
    const reader = await this.client.createReader({ topic })
    const messages: Message[] = []
    while (await reader.hasNext()) messages.push(...(await reader.read({ maxMessages: 1000, timeoutMs: 1000 })))
    await reader.close()
    return messages
  }

  async texts(topic: string): Promise<readonly string[]> {
    return (await this.contents(topic)).map(({ payload }) => Buffer.from(payload ?? []).toString())
  }

  async sink(definition: SinkDefinition, overrides: Partial<SinkInstanceSpec> = {}) {
    const { services, logs, fatal } = this.#services(await chainOf(overrides), overrides.lease)
    const spec: SinkInstanceSpec = { ...sinkSpec, ...overrides }
    const parsed = definition.parse(spec.config)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    const task = await SinkTask.open(spec, definition, parsed.config, this.client, services)
    const running = Promise.race([task.run(), fatal.promise])
    running.catch(() => undefined)
    let closed = false
    const close = async () => {
      if (closed) return
      closed = true
      this.#abort(services)
      await task.close()
    }
    onTestFinished(close)
    const stop = async (drainTimeoutMs = 5000) => {
      const undrained = await task.stop(drainTimeoutMs, running)
      await close()
      return undrained
    }
    return { task, running, stats: services.stats, logs, stop, close }
  }

  async source(definition: SourceDefinition, overrides: Partial<SourceInstanceSpec> = {}) {
    const { services, logs, fatal } = this.#services(await chainOf(overrides), overrides.lease)
    const spec: SourceInstanceSpec = { ...sourceSpec, ...overrides }
    const parsed = definition.parse(spec.config)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    const stores: { close(): Promise<void> }[] = []
    const task = await SourceTask.open(spec, definition, parsed.config, this.client, {
      ...services,
      store: async () => {
        const store = await this.client.openStore(spec.fqn)
        stores.push(store)
        return store
      },
    })
    const running = Promise.race([task.run(), fatal.promise])
    running.catch(() => undefined)
    let closed = false
    const close = async () => {
      if (closed) return
      closed = true
      this.#abort(services)
      await task.close()
      for (const store of stores) await store.close()
    }
    onTestFinished(close)
    const stop = async (drainTimeoutMs = 5000) => {
      const undrained = await task.stop(drainTimeoutMs, running)
      await close()
      return undrained
    }
    return { task, running, stats: services.stats, logs, stop, close }
  }

  readonly #hard = new WeakMap<TaskServices, AbortController>()

  #abort(services: TaskServices): void {
    this.#hard.get(services)?.abort(new Error('the test is over'))
  }

  #services(transforms: Chain | undefined, lease: LeaseStart | undefined) {
    const hard = new AbortController()
    const fatal = defer<never>()
    fatal.promise.catch(() => undefined)
    const logs: { level: string; message: string; fields: LogFields | undefined }[] = []
    const services: TaskServices = {
      stats: new TaskStats(text => text),
      log: (level, message, fields) => void logs.push({ level, message, fields }),
      secrets: new Map(),
      transforms,
      signal: hard.signal,
      lease: lease === undefined ? undefined : new LeaseView(lease),
      hold: new Hold(),
      fatal: error => fatal.reject(error),
      store: () => Promise.reject(new Error('no store in this test')),
    }
    this.#hard.set(services, hard)
    return { services, logs, fatal }
  }
}

function chainOf({ transforms }: Partial<SinkInstanceSpec | SourceInstanceSpec>) {
  return compileTransforms(transforms, { secret: () => undefined, checkOnly: false })
}

const common = {
  tenant: 'public',
  namespace: 'default',
  name: 'probe',
  fqn: 'public/default/probe',
  instanceId: 0,
  numInstances: 1,
  guarantee: 'ATLEAST_ONCE',
  archive: {
    archive: '',
    directory: '',
    manifest: {
      manifestVersion: 1,
      name: 'probe',
      version: '1',
      description: '',
      apiLevel: 1,
      kinds: [] as ConnectorKind[],
      entry: '',
      files: {},
    },
    sha256: undefined,
  },
  config: {},
  transforms: [],
  secrets: undefined,
  messaging: { url: '' },
  logLevel: 'debug',
  logTopic: undefined,
  memoryLimit: undefined,
  cores: undefined,
  stuckAfterMs: undefined,
} as const

const sinkSpec: SinkInstanceSpec = {
  ...common,
  kind: 'sink',
  inputs: ['persistent://public/default/in'],
  topicsPattern: undefined,
  inputSchemas: {},
  subscription: 'sub',
  subscriptionType: 'Shared',
  initialPosition: 'Earliest',
  ordered: false,
  ackTimeoutMs: 0,
  nackDelayMs: undefined,
  maxRetries: undefined,
  deadLetterTopic: undefined,
  maxUnsettled: undefined,
  batch: { maxDelayMs: 1 },
}

const sourceSpec: SourceInstanceSpec = {
  ...common,
  kind: 'source',
  destinationTopic: 'persistent://public/default/out',
  schema: undefined,
  maxPending: 10_000,
  packing: {},
  discoverEveryMs: undefined,
}

/** Looks until it holds, for ten seconds at most. */
export async function eventually(check: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
