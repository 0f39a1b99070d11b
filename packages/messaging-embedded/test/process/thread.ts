/** A thread that writes without pause until it is terminated, holding a Shared message meanwhile. */
import { parentPort, workerData } from 'node:worker_threads'
import { openEmbedded } from '../../src/index.ts'

const { directory } = workerData as { readonly directory: string }
const client = await openEmbedded({ directory })
const producer = await client.createProducer({ topic: 't' })
const held = await client.createProducer({ topic: 'held' })
await held.send([{ payload: Buffer.from('h') }])
const consumer = await client.subscribe({ topics: ['held'], subscription: 's', type: 'Shared' })
await consumer.receive({ maxMessages: 1 })
const batch = Array.from({ length: 500 }, () => ({ payload: Buffer.alloc(1024, 1) }))
for (let count = 1; ; count += 1) {
  await producer.send(batch)
  parentPort?.postMessage(count)
}
