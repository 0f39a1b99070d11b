/** This project's client: the same round as `pulsar-peer.py`, in a process of its own as well. */
import { openPulsar } from '@pulsar-io/messaging-pulsar'

const [url = '', topic = '', text = ''] = process.argv.slice(2)
const count = Number(text)
const BATCH = 1000
/** Batches on their way; the peer has as many messages. */
const PENDING = 50

const client = await openPulsar({ serviceUrl: url })
const options = { topics: [topic], subscription: 'bench', type: 'Exclusive', initialPosition: 'Earliest' } as const
await (await client.subscribe(options)).close()
const producer = await client.createProducer({ topic })
const payload = Buffer.alloc(1024, 'x')
const batch = Array.from({ length: BATCH }, () => ({ payload }))

const produce = await measured(async () => {
  const pending: Promise<unknown>[] = []
  for (let sent = 0; sent < count; sent += BATCH) {
    pending.push(producer.send(batch))
    if (pending.length >= PENDING) await pending.shift()
  }
  await Promise.all(pending)
})
await producer.close()

const consumer = await client.subscribe(options)
const consume = await measured(async () => {
  let acknowledged: Promise<void> | undefined
  for (let received = 0; received < count; ) {
    const messages = await consumer.receive({ maxMessages: BATCH })
    // As the peer does: the payload of every message becomes a value of the language.
    for (const message of messages) {
      if (message.payload?.length !== 1024) throw new Error('a message changed on its way')
    }
    received += messages.length
    const last = messages.at(-1)
    if (last !== undefined) acknowledged = consumer.acknowledgeCumulative(last)
  }
  await acknowledged
})
await client.close()
console.log(JSON.stringify({ produce, consume }))

async function measured(work: () => Promise<void>): Promise<{ ms: number; cpuMs: number }> {
  const cpu = process.cpuUsage()
  const begin = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { ms: performance.now() - begin, cpuMs: (user + system) / 1000 }
}
