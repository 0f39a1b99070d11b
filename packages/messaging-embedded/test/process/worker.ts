/** A process that the tests start, kill and ask: `node worker.ts ROLE DIRECTORY JSON`. Speaks over IPC. */
import { openEmbedded } from '../../src/index.ts'

const [role, directory = '', json = '{}'] = process.argv.slice(2)
const options = JSON.parse(json) as {
  readonly name?: string
  readonly type?: 'Shared' | 'Failover' | 'Exclusive'
  readonly count?: number
}
const say = (message: unknown) => process.send?.(message)

if (role === 'reopen') {
  for (let opened = 0; opened < (options.count ?? 0); opened += 1) await (await openEmbedded({ directory })).close()
}
const client = await openEmbedded({ directory })
if (role === 'produce') {
  // Counts up for ever, and says what was acknowledged.
  const producer = await client.createProducer({ topic: 't', name: options.name ?? 'p' })
  let next = producer.lastSequenceId + 1n
  const count = options.count ?? Number.POSITIVE_INFINITY
  say({ ready: true })
  for (let sent = 0; sent < count; sent += 50) {
    const messages = Array.from({ length: 50 }, (_, i) => ({
      payload: Buffer.from(`${options.name ?? 'p'}:${next + BigInt(i)}`),
      sequenceId: next + BigInt(i),
    }))
    await producer.send(messages)
    next += 50n
    say({ acknowledged: Number(next) })
  }
} else if (role === 'hold' || role === 'consume') {
  // `hold` keeps what it gets; `consume` acknowledges it.
  const consumer = await client.subscribe({
    topics: ['t'],
    subscription: 's',
    type: options.type ?? 'Shared',
    initialPosition: 'Earliest',
  })
  say({ ready: true })
  for (;;) {
    const messages = await consumer.receive({ maxMessages: 20 })
    if (role === 'consume') await consumer.acknowledge(messages)
    say({ got: messages.map(({ payload }) => Buffer.from(payload ?? []).toString()) })
  }
} else if (role === 'open') {
  const producer = await client.createProducer({ topic: 't' })
  await producer.send([{ payload: Buffer.from(options.name ?? '') }])
  say({ done: true })
}
await client.close()
process.disconnect?.()
