import type { Consumer, MessagingClient, Producer } from '@pulsar-io/messaging'
import type { BatchSource, SourceRecord } from '@pulsar-io/sdk'
import { messageWithCauses, toError } from '../failure.ts'
import type { SourceInstanceSpec } from '../instance/spec.ts'
import { sleep } from '../wait.ts'
import type { TaskServices } from './context.ts'
import type { Publisher } from './publisher.ts'
import type { SourceEnd } from './source-task.ts'

/** Records that are published together. */
const CHUNK = 500

/** Milliseconds between looks whether all tasks are done. */
const LOOK_EVERY_MS = 200

/**
 * Runs a batch source as Pulsar does: instance 0 discovers tasks and publishes them to an intermediate topic; all
 * instances take them from there over one Shared subscription. A task is acknowledged once its records are published.
 */
export async function runBatchSource(
  source: BatchSource,
  spec: SourceInstanceSpec,
  client: MessagingClient,
  services: TaskServices,
  publisher: Publisher,
): Promise<SourceEnd> {
  const { signal } = services
  // Names as Pulsar gives them, so that an operator finds them.
  const topic = `persistent://${spec.tenant}/${spec.namespace}/${spec.name}-intermediate`
  const consumer = await client.subscribe({
    topics: [topic],
    subscription: `BatchSourceExecutor-${spec.fqn}`,
    type: 'Shared',
    initialPosition: 'Earliest',
    signal,
  })
  const producer = spec.instanceId === 0 ? await client.createProducer({ topic, signal }) : undefined
  let discovered = false
  try {
    const discovering = producer
      ? discover(source, producer, spec, services).then(() => {
          discovered = true
        })
      : undefined
    const working = work(
      source,
      consumer,
      publisher,
      services,
      async () => discovered && (await consumer.backlog()) === 0,
    )
    const [end] = await Promise.all([working, discovering])
    return end
  } finally {
    await Promise.allSettled([consumer.close(), producer?.close()])
  }
}

async function discover(
  source: BatchSource,
  producer: Producer,
  spec: SourceInstanceSpec,
  services: TaskServices,
): Promise<void> {
  const { signal, log, stats } = services
  for (;;) {
    try {
      await source.discover(async task => void (await producer.send([{ payload: task }])))
    } catch (error) {
      if (spec.discoverEveryMs === undefined) throw error
      stats.connectorError(error)
      log('warn', 'looking for tasks failed; trying again at the next trigger', {
        reason: messageWithCauses(toError(error)),
      })
    }
    if (spec.discoverEveryMs === undefined || signal.aborted) return
    await sleep(spec.discoverEveryMs, signal)
    if (signal.aborted) return
  }
}

async function work(
  source: BatchSource,
  consumer: Consumer,
  publisher: Publisher,
  { signal }: TaskServices,
  allDone: () => Promise<boolean>,
): Promise<SourceEnd> {
  while (!signal.aborted) {
    const [task] = await consumer.receive({ maxMessages: 1, timeoutMs: LOOK_EVERY_MS, signal })
    if (!task) {
      if (await allDone()) return 'finished'
      continue
    }
    await source.prepare(task.payload?.slice() ?? new Uint8Array())
    if (await readTask(source, publisher, signal)) await consumer.acknowledge([task])
  }
  return 'stopped'
}

/** Publishes all records of the task; false when it had to stop in the middle. */
async function readTask(source: BatchSource, publisher: Publisher, signal: AbortSignal): Promise<boolean> {
  let chunk: SourceRecord[] = []
  while (!signal.aborted) {
    const record = await source.readNext()
    if (record) chunk.push(record)
    if (chunk.length >= CHUNK || (record === null && chunk.length > 0)) {
      await publisher.publish(chunk)
      chunk = []
    }
    if (record === null) {
      await publisher.drained()
      return true
    }
  }
  return false
}
