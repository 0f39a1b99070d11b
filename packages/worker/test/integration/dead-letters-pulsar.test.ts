import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { type MessagingAddress, openMessaging } from '@pulsar-io/engine'
import type { MessagingClient } from '@pulsar-io/messaging'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { service } from '../../../../tooling/services/index.ts'
import type { Worker } from '../../src/index.ts'
import { call, eventually, Place } from '../support.ts'

const broker = await service('pulsar')

describe.skipIf(!broker.available)('dead letters on a Pulsar cluster', () => {
  const namespace = `public/test-${randomUUID().slice(0, 8)}`
  const IN = `persistent://${namespace}/in`
  const sink = `/admin/v3/sinks/${namespace}/s`
  const schema = {
    type: 'JSON',
    definition: '{"type":"record","name":"R","fields":[{"name":"n","type":"int"}]}',
  } as const
  let place: Place
  let worker: Worker
  let client: MessagingClient

  beforeAll(async () => {
    if (!broker.available) return
    const { url, adminUrl } = broker
    await fetch(`${adminUrl}/admin/v2/namespaces/${namespace}`, { method: 'PUT' })
    const messaging: MessagingAddress = { url, ...(adminUrl === undefined ? {} : { adminUrl }) }
    client = await openMessaging(messaging)
    place = new Place()
    worker = await place.worker({ messaging, metadataNamespace: namespace })
  }, 60_000)
  afterAll(async () => {
    await place?.close()
    await client?.close()
  })

  const letters = async () =>
    ((await call(worker, 'GET', `${sink}/dead-letters?showValues=true`)).body as { letters: { topic: string }[] })
      .letters
  const replay = async (query = '') => (await call(worker, 'POST', `${sink}/dead-letters/replay${query}`)).body

  it.each([
    ['a topic', 0],
    ['a topic of two partitions', 2],
  ])('of %s are replayed once, with all that they had', { timeout: 60_000 }, async (_, partitions) => {
    const topic = `${IN}-${partitions}`
    writeFileSync(place.path('orders'), 'reject')
    rmSync(place.path('out'), { force: true })
    await client.topics.create(topic, { partitions })
    await client.topics.createSubscription(topic, 'keep', 'earliest')
    const producer = await client.createProducer({ topic, schema })
    const messages = [0, 1, 2, 3].map(n => ({
      payload: Buffer.from(JSON.stringify({ n })),
      // Neighbours of one key could share an entry of the dead letter topic, of which a part is acknowledged below.
      key: n < 3 ? 'k' : 'l',
      eventTime: 1000 + n,
      properties: { p: String(n) },
    }))
    await producer.send(messages)
    const file = place.path('out')
    const config = place.sink({ inputs: [topic], configs: { file, orders: place.path('orders') } })
    expect(await call(worker, 'POST', sink, config)).toMatchObject({ status: 204 })
    await eventually(async () => (await letters()).length === 4, 'four dead letters')
    expect(await letters()).toMatchObject(Array(4).fill({ topic, code: 'PIO_PROBE' }))

    rmSync(place.path('orders'))
    expect(await replay('?dryRun=true')).toMatchObject({ replayed: 4 })
    expect(await replay('?limit=1')).toMatchObject({ replayed: 1, refused: 0 })
    expect(await letters()).toHaveLength(3)
    expect(await replay()).toMatchObject({ replayed: 3, refused: 0 })
    expect(await replay()).toMatchObject({ replayed: 0 })
    expect(await letters()).toEqual([])

    const kept = await client.subscribe({ topics: [topic], subscription: 'keep', type: 'Exclusive' })
    const found: object[] = []
    while (found.length < 8) {
      const batch = await kept.receive({ maxMessages: 10, timeoutMs: 5_000 })
      if (batch.length === 0) break
      for (const { payload, key, eventTime, properties, schema: written } of batch) {
        found.push({ payload: Buffer.from(payload ?? []), key, eventTime, properties, type: written?.type })
      }
    }
    await kept.close()
    const sent = messages.map(message => ({ ...message, type: 'JSON' }))
    expect(sorted(found)).toEqual(sorted([...sent, ...sent]))
    await call(worker, 'DELETE', sink)
  })
})

const sorted = (list: readonly object[]) => list.map(each => JSON.stringify(each)).sort()
