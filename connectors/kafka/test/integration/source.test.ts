import { service } from '@pulsar-io/tooling/services'
import { afterAll, describe, expect, it } from 'vitest'
import { Cluster, failure, openSink, openSource, recordsOf, serversOf, texts, unique, until } from '../support.ts'

const kafka = await service('kafka')

describe.skipIf(!kafka.available)('a source on a real server', { timeout: 60_000 }, () => {
  if (!kafka.available) return
  const bootstrapServers = serversOf(kafka)
  const cluster = new Cluster(bootstrapServers)
  afterAll(() => cluster.close())

  const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, i) => ({ value: `${from + i}` }))

  /** The next offset of a group in partition 0. */
  async function committed(groupId: string, topic: string, partition = 0): Promise<number> {
    const [group] = await cluster.admin.listConsumerGroupOffsets({ groups: [groupId] })
    const found = group?.topics.find(({ name }) => name === topic)?.partitions
    return Number(found?.find(({ partitionIndex }) => partitionIndex === partition)?.committedOffset ?? -1n)
  }

  it('reads keys, values, headers, times, tombstones and unicode', async () => {
    const topic = await cluster.create(unique('read'))
    const timestamp = 1_700_000_000_123n
    await cluster.produce(topic, [
      { key: 'schlüssel', value: 'grüße 😀', timestamp, headers: { naïve: '✓' } },
      { key: 'gone', value: null },
      { value: Buffer.from([0, 255]) },
    ])
    const options = { bootstrapServers, topic, groupId: unique('g'), copyHeadersEnabled: true }
    await using source = await openSource({ ...options, headerValues: 'text' })
    const [first, second, third] = await source.take(3)
    expect(first).toMatchObject({
      key: 'schlüssel',
      eventTime: Number(timestamp),
      sequence: 0n,
      partitionId: expect.stringMatching(`^${topic}-0-[0-9a-f-]{36}$`),
      offset: { topic, partition: 0, next: 1 },
      properties: { naïve: '✓', __kafka_topic: topic, __kafka_partition: '0', __kafka_offset: '0' },
    })
    expect(String(first?.value)).toBe('grüße 😀')
    expect(second).toMatchObject({ key: 'gone', value: null })
    expect(third?.key).toBeUndefined()
    expect(third?.value).toEqual(Buffer.from([0, 255]))
    await using again = await openSource({ ...options, groupId: unique('g') })
    expect((await again.take(3))[0]?.properties?.naïve).toBe(Buffer.from('✓').toString('base64'))
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'])('reads what is compressed with %s', async compressionType => {
    const topic = await cluster.create(unique(compressionType))
    await using sink = await openSink({ bootstrapServers, topic, compressionType })
    const values = Array.from({ length: 300 }, (_, i) => `value ${i} ${'x'.repeat(i)}`)
    await sink.write(recordsOf(values))
    await using source = await openSource({ bootstrapServers, topic, groupId: unique('g') })
    expect(texts(await source.take(300))).toEqual(values)
  })

  it('commits offsets only of what is published, and goes on behind it', async () => {
    const topic = await cluster.create(unique('commit'))
    const groupId = unique('g')
    await cluster.produce(topic, numbered(10))
    const first = await openSource({ bootstrapServers, topic, groupId, autoCommitEnabled: false })
    const records = await first.source.read()
    expect(records).toHaveLength(10)
    for (const record of records.slice(0, 4)) record.ack?.()
    await until(async () => (await committed(groupId, topic)) === 4, 'the commit of four records')
    await first.close()
    expect(await committed(groupId, topic)).toBe(4)
    await using second = await openSource({ bootstrapServers, topic, groupId })
    expect(texts(await second.take(6))).toEqual(['4', '5', '6', '7', '8', '9'])
    await second.close()
    expect(await committed(groupId, topic)).toBe(10)
  })

  it.each([
    ['latest', ['new']],
    ['offset:2', ['2', 'new']],
    ['2023-11-14T22:13:21Z', ['1', '2', 'new']],
    ['earliest', ['0', '1', '2', 'new']],
  ])('begins at %s', async (startFrom, expected) => {
    const topic = await cluster.create(unique('start'))
    const at = (value: string, seconds: number) => ({ value, timestamp: 1_700_000_000_000n + BigInt(seconds) * 1000n })
    await cluster.produce(topic, [at('0', 0), at('1', 1), at('2', 2)])
    const groupId = unique('g')
    await using source = await openSource({ bootstrapServers, topic, groupId, startFrom })
    // The start itself is committed, so that a crash before the first record skips nothing.
    await until(async () => (await committed(groupId, topic)) >= 0, 'the first commit')
    await cluster.produce(topic, [{ value: 'new' }])
    expect(texts(await source.take(expected.length))).toEqual(expected)
  })

  it('leaves out what a transaction wrote that was given up, also where its end comes later', async () => {
    const topic = await cluster.create(unique('tx'), 1, { 'max.message.bytes': '5000' })
    const context = { name: unique('eo') }
    await using sink = await openSink({ bootstrapServers, topic }, { guarantee: 'EFFECTIVELY_ONCE', context })
    const list = recordsOf(['a', 'b'.repeat(9000), 'c'])
    await sink.write(list)
    await sink.write(list.filter((_, i) => i !== 1))
    await using source = await openSource({ bootstrapServers, topic, groupId: unique('g') })
    expect(texts(await source.take(2))).toEqual(['a', 'c'])
    await using all = await openSource({
      bootstrapServers,
      topic,
      groupId: unique('g'),
      isolationLevel: 'read_uncommitted',
    })
    expect(texts(await all.take(4))).toEqual(['a', 'c', 'a', 'c'])
  })

  it('reads fixed partitions, shared out to the instances, without a member in the group', async () => {
    const topic = await cluster.create(unique('static'), 4)
    await cluster.produce(
      topic,
      [0, 1, 2, 3].map(partition => ({ value: `p${partition}`, partition })),
    )
    const options = { bootstrapServers, topic, groupId: unique('g'), partitions: '0-2' }
    await using one = await openSource(options, { context: { instanceId: 0, numInstances: 2 } })
    await using two = await openSource(options, { context: { instanceId: 1, numInstances: 2 } })
    expect(texts(await one.take(2)).sort()).toEqual(['p0', 'p2'])
    expect(texts(await two.take(1))).toEqual(['p1'])
    const wrong = await failure(openSource({ ...options, partitions: '2,7' }))
    expect(wrong).toMatchObject({ code: 'PIO_KAFKA_NO_TOPIC', message: expect.stringContaining('no 7') })
  })

  it('joins topics that match a pattern, also those that are made later, and partitions that are added', async () => {
    const prefix = unique('pattern')
    const groupId = unique('g')
    const consumerConfigProperties = { 'metadata.max.age.ms': 200 }
    await using source = await openSource({
      bootstrapServers,
      topicsPattern: `${prefix}-.*`,
      groupId,
      consumerConfigProperties,
    })
    const run = source.run()
    await cluster.create(`${prefix}-a`)
    await cluster.produce(`${prefix}-a`, [{ value: 'a' }])
    await until(() => source.published.length === 1, 'the first topic')
    await cluster.create(`${prefix}-b`)
    await cluster.produce(`${prefix}-b`, [{ value: 'b' }])
    await until(() => source.published.length === 2, 'the second topic')
    await cluster.admin.createPartitions({ topics: [{ name: `${prefix}-a`, count: 2, assignments: null }] } as never)
    await until(async () => (await committed(groupId, `${prefix}-a`, 1)) >= 0, 'the new partition')
    await cluster.produce(`${prefix}-a`, [{ value: 'a1', partition: 1 }])
    await until(() => source.published.length === 3, 'a record of the new partition')
    await source.close()
    await run
    expect(texts(source.published)).toEqual(['a', 'b', 'a1'])
  })

  it('hands partitions over to a second instance, and back, without losing or repeating a record', async () => {
    const topic = await cluster.create(unique('rebalance'), 4)
    const options = { bootstrapServers, topic, groupId: unique('g'), heartbeatIntervalMs: 100, sessionTimeoutMs: 6000 }
    const count = 4000
    const released: string[] = []
    const release = async (id: string) => void released.push(id)
    await using one = await openSource(options, { context: { release } })
    const runs = [one.run()]
    const producing = (async () => {
      for (let from = 0; from < count; from += 100) {
        await cluster.produce(
          topic,
          numbered(100, from).map((each, i) => ({ ...each, partition: i % 4 })),
        )
      }
    })()
    await until(() => one.published.length > 200, 'the first records')
    await using two = await openSource(options)
    runs.push(two.run())
    await until(() => two.published.length > 200, 'records of the second instance')
    await two.close()
    await producing
    await until(() => one.published.length + two.published.length >= count, 'all records')
    await one.close()
    await Promise.all(runs)
    const all = texts([...one.published, ...two.published]).map(Number)
    expect(all).toHaveLength(count)
    expect(new Set(all).size).toBe(count)
    expect(new Set(released).size).toBe(4)
  })

  it('under EFFECTIVELY_ONCE goes on behind what the runtime has stored', async () => {
    const topic = await cluster.create(unique('stored'))
    await cluster.produce(topic, numbered(5))
    const groupId = unique('g')
    await using first = await openSource({ bootstrapServers, topic, groupId })
    const [, , third] = await first.take(5)
    const offsets = new Map([[third?.partitionId ?? '', third?.offset ?? {}]])
    await first.close()
    const context = { guarantee: 'EFFECTIVELY_ONCE' as const, offsets }
    await using second = await openSource({ bootstrapServers, topic, groupId: unique('other') }, { context })
    expect(texts(await second.take(2))).toEqual(['3', '4'])
  })

  it('begins anew with a topic that was deleted and made again', async () => {
    const topic = await cluster.create(unique('remade'))
    await cluster.produce(topic, numbered(3))
    await using first = await openSource({ bootstrapServers, topic, groupId: unique('g') })
    const [old] = await first.take(3)
    await first.close()
    await cluster.admin.deleteTopics({ topics: [topic] })
    await until(async () => !(await cluster.admin.listTopics()).includes(topic), 'the end of the topic')
    await cluster.create(topic)
    await cluster.produce(topic, [{ value: 'new' }])
    const offsets = new Map([[old?.partitionId ?? '', { next: 3 }]])
    const context = { guarantee: 'EFFECTIVELY_ONCE' as const, offsets }
    await using second = await openSource({ bootstrapServers, topic, groupId: unique('g') }, { context })
    const [record] = await second.take(1)
    expect(String(record?.value)).toBe('new')
    expect(record?.partitionId).not.toBe(old?.partitionId)
  })

  it('goes on where the log begins when its offset is gone, and says so', async () => {
    const topic = await cluster.create(unique('gone'))
    await cluster.produce(topic, numbered(10))
    await cluster.admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 6n }] }] })
    const groupId = unique('g')
    await using source = await openSource({ bootstrapServers, topic, groupId, startFrom: 'offset:1' })
    expect(texts(await source.take(4))).toEqual(['6', '7', '8', '9'])
    expect(source.context.logger.entries.some(({ message }) => message.includes('not there any more'))).toBe(true)
    const none = { bootstrapServers, topic, groupId: unique('g'), startFrom: 'offset:1', autoOffsetReset: 'none' }
    await using strict = await openSource(none)
    expect(await failure(strict.take(1))).toMatchObject({ code: 'PIO_KAFKA_OFFSET_LOST', retry: 'stop' })
  })

  it('names the place of a record that cannot be read', async () => {
    const topic = await cluster.create(unique('poison'))
    const long = Buffer.alloc(8)
    long.writeBigInt64BE(-5n)
    await cluster.produce(topic, [{ value: long }, { value: 'abc' }])
    const valueDeserializationClass = 'org.apache.kafka.common.serialization.LongDeserializer'
    await using source = await openSource({ bootstrapServers, topic, groupId: unique('g'), valueDeserializationClass })
    expect(await failure(source.take(2))).toMatchObject({
      code: 'PIO_KAFKA_DESERIALIZE',
      message: expect.stringContaining(`offset 1 of partition 0 of topic ${topic}`),
    })
  })

  it('says what is wrong at start', async () => {
    const groupId = 'g'
    expect(await failure(openSource({ bootstrapServers: '127.0.0.1:1', topic: 'x', groupId }))).toMatchObject({
      code: 'PIO_KAFKA_UNREACHABLE',
      retry: 'reconnect',
    })
    const consumerConfigProperties = { 'allow.auto.create.topics': false }
    expect(
      await failure(openSource({ bootstrapServers, topic: unique('none'), groupId, consumerConfigProperties })),
    ).toMatchObject({
      code: 'PIO_KAFKA_NO_TOPIC',
      retry: 'block',
    })
  })
})
