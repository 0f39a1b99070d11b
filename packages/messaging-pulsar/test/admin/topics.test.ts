import { randomBytes } from 'node:crypto'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { AdminClient } from '../../src/admin/admin-client.ts'
import { HttpLookup } from '../../src/admin/http-lookup.ts'
import { schemaOf } from '../../src/admin/schema-version.ts'
import { PulsarTopics } from '../../src/admin/topics.ts'

const pulsar = await service('pulsar')
const admin = new AdminClient({ urls: [pulsar.available ? (pulsar.adminUrl ?? '') : ''] })
const topics = new PulsarTopics(admin)

const run = randomBytes(4).toString('hex')
let count = 0
const fresh = (): string => `persistent://public/default/admin-${run}-${count++}`

const rest = (path: string, init: RequestInit = {}) =>
  fetch(`${pulsar.available ? pulsar.adminUrl : ''}/admin/v2/${path}`, {
    headers: { 'content-type': 'application/json' },
    ...init,
  })

const schemaPath = (topic: string): string => `schemas/${topic.replace('persistent://', '')}/schema`

describe.skipIf(!pulsar.available)('topics over the admin REST', () => {
  it('are made, found, listed and deleted, whatever their name', async () => {
    for (const topic of [fresh(), `${fresh()}-ä b%c:d+e`]) {
      expect(await topics.exists(topic)).toBe(false)
      await topics.create(topic)
      await topics.create(topic)
      expect(await topics.exists(topic)).toBe(true)
      expect(await topics.partitions(topic)).toBe(0)
      expect(await topics.list(`admin-${run}-.*`)).toEqual([topic])
      await topics.delete(topic)
      expect(await topics.exists(topic)).toBe(false)
    }
  })

  it('with partitions are listed once', async () => {
    const topic = fresh()
    const alone = fresh()
    await topics.create(topic, { partitions: 3 })
    await topics.create(alone)
    expect(await topics.partitions(topic)).toBe(3)
    expect(await topics.list(`public/default/admin-${run}-.*`)).toEqual([topic, alone])
    expect(await topics.stats(topic)).toMatchObject({ topic, partitions: 3, messages: 0, subscriptions: [] })
    await topics.delete(topic)
    await topics.delete(alone)
    expect(await topics.list(`persistent://public/default/admin-${run}-.*`)).toEqual([])
  })

  it('of all namespaces are listed, without those of the broker', async () => {
    const topic = fresh()
    await topics.create(topic)
    const all = await topics.list()
    expect(all).toContain(topic)
    expect(all.filter(name => name.includes('/__') || name.startsWith('persistent://pulsar/'))).toEqual([])
    expect(await topics.list(`pub.*/def.*/admin-${run}-.*`)).toContain(topic)
    expect(await topics.list(`public/none/.*`)).toEqual([])
    await topics.delete(topic)
  })

  it('that are not there are refused, naming them', async () => {
    const topic = fresh()
    const refusal = expect.objectContaining({
      code: 'PIO_NOT_FOUND',
      retry: 'stop',
      message: `the topic ${topic} does not exist`,
    })
    await expect(topics.partitions(topic)).rejects.toEqual(refusal)
    await expect(topics.stats(topic)).rejects.toEqual(refusal)
    await expect(topics.delete(topic)).rejects.toEqual(refusal)
    await expect(topics.setRetention(topic, { sizeBytes: 0, timeMs: 0 })).rejects.toEqual(refusal)
    await expect(topics.create('public/none/t')).rejects.toThrow(
      /^creating persistent:\/\/public\/none\/t: http:\S+ answered 404 Namespace not found$/,
    )
  })

  it('keep what is acknowledged as long as they are told to', async () => {
    const topic = fresh()
    await topics.create(topic)
    const read = async () => (await rest(`${topic.replace('://', '/')}/retention`)).json()
    for (const [sizeBytes, timeMs, retentionSizeInMB, retentionTimeInMinutes] of [
      [0, 90_000, -1, 2],
      // More than the backlog quota that the broker comes with, or it refuses.
      [20 * 2 ** 30 - 1, 0, 20_480, -1],
      [-1, 90_000, -1, -1],
      [20 * 2 ** 30, 90_000, 20_480, 2],
      [0, 0, 0, 0],
    ] as const) {
      await topics.setRetention(topic, { sizeBytes, timeMs })
      await expect.poll(read).toMatchObject({ retentionSizeInMB, retentionTimeInMinutes })
    }
    await expect(topics.setRetention(topic, { sizeBytes: -2, timeMs: 0 })).rejects.toThrow('-1 (no bound)')
    await topics.delete(topic)
  })

  it('have subscriptions that are made once and deleted once', async () => {
    const topic = fresh()
    await topics.createSubscription(topic, 'a/b', 'earliest')
    await topics.createSubscription(topic, 'a/b', 'latest')
    await topics.createSubscription(topic, 'late', 'latest')
    const stats = await topics.stats(topic)
    expect(stats.subscriptions).toMatchObject([
      { name: 'a/b', type: undefined, backlog: 0, consumers: 0 },
      { name: 'late', backlog: 0 },
    ])
    await topics.deleteSubscription(topic, 'a/b')
    await expect(topics.deleteSubscription(topic, 'a/b')).rejects.toThrow(
      `the subscription a/b of ${topic} does not exist`,
    )
    expect((await topics.stats(topic)).subscriptions).toHaveLength(1)
    await topics.delete(topic)
  })

  it('tell whether they deduplicate: by their own policy, by that of the namespace, by the default', async () => {
    // Namespaces of its own: other tests switch policies of the common one.
    const [plain, deduplicating] = [`public/plain-${run}`, `public/dedup-${run}`]
    for (const namespace of [plain, deduplicating]) await rest(`namespaces/${namespace}`, { method: 'PUT' })
    await rest(`namespaces/${deduplicating}/deduplication`, { method: 'POST', body: 'true' })
    expect(await topics.deduplication(`${plain}/t`)).toBe('off')
    await topics.create(`${plain}/t`)
    expect(await topics.deduplication(`${plain}/t`)).toBe('off')
    await rest(`persistent/${plain}/t/deduplicationEnabled`, { method: 'POST', body: 'true' })
    await expect.poll(() => topics.deduplication(`${plain}/t`)).toBe('on')
    expect(await topics.deduplication(`${deduplicating}/not-there-yet`)).toBe('on')
    expect(await topics.deduplication(`non-persistent://${deduplicating}/t`)).toBe('off')
    await expect(topics.deduplication('public/none/t')).rejects.toMatchObject({ code: 'PIO_NOT_FOUND' })
    for (const namespace of [plain, deduplicating])
      await rest(`namespaces/${namespace}?force=true`, { method: 'DELETE' })
  })

  it('have schemas in versions', async () => {
    const topic = fresh()
    await topics.create(topic)
    const avro = (...fields: string[]): string =>
      JSON.stringify({
        type: 'record',
        name: 'R',
        fields: fields.map(name => ({ name, type: ['null', 'string'], default: null })),
      })
    for (const schema of [avro('a'), avro('a', 'b')]) {
      const body = JSON.stringify({ type: 'AVRO', schema, properties: { k: 'v' } })
      expect((await rest(schemaPath(topic), { method: 'POST', body })).status).toBe(200)
    }
    expect(await schemaOf(admin, topic, 0n)).toEqual({
      type: 'AVRO',
      definition: avro('a'),
      properties: { k: 'v' },
      version: '0',
    })
    expect(await schemaOf(admin, topic)).toMatchObject({ definition: avro('a', 'b') })
    expect((await topics.stats(topic)).schema).toMatchObject({ type: 'AVRO', definition: avro('a', 'b') })
    expect(await schemaOf(admin, topic, 7n)).toBeUndefined()
    expect(await topics.schemaRule(topic)).toBe('FULL')
    await topics.delete(topic)
  })

  it('have both halves of a KEY_VALUE schema', async () => {
    const topic = fresh()
    await topics.create(topic)
    const body = JSON.stringify({
      type: 'KEY_VALUE',
      schema: JSON.stringify({ key: '', value: { type: 'record', name: 'R', fields: [] } }),
      properties: {
        'key.schema.name': 'INT32',
        'key.schema.type': 'INT32',
        'key.schema.properties': '{}',
        'value.schema.name': 'R',
        'value.schema.type': 'AVRO',
        'value.schema.properties': '{}',
        'kv.encoding.type': 'SEPARATED',
      },
    })
    expect((await rest(schemaPath(topic), { method: 'POST', body })).status).toBe(200)
    expect((await topics.stats(topic)).schema).toMatchObject({
      type: 'KEY_VALUE',
      keyValue: { key: { type: 'INT32' }, value: { type: 'AVRO' }, encoding: 'SEPARATED' },
      version: '0',
    })
    await topics.delete(topic)
  })
})

describe.skipIf(!pulsar.available)('lookup over HTTP', () => {
  const lookup = new HttpLookup(admin, false)

  it('gives the broker that serves a topic, and its partitions', async () => {
    const topic = fresh()
    await topics.create(topic, { partitions: 2 })
    expect(await lookup.partitions(topic, false)).toBe(2)
    const broker = pulsar.available ? pulsar.url.replace('pulsar://', '') : ''
    expect(await lookup.broker(`${topic}-partition-1`)).toEqual({ broker, via: broker })
    await topics.delete(topic)
    await expect(lookup.partitions(topic, false)).rejects.toMatchObject({ code: 'PIO_NOT_FOUND' })
    expect(await lookup.partitions(topic, true)).toBe(0)
  })

  it('says that brokers listen without TLS only', async () => {
    await expect(new HttpLookup(admin, true).broker(fresh())).rejects.toThrow('listens without TLS only')
  })
})
