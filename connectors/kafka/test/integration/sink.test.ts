import { service } from '@pulsar-io/tooling/services'
import { afterAll, describe, expect, it } from 'vitest'
import { Cluster, codes, failure, openSink, recordsOf, serversOf, TOPIC, unique } from '../support.ts'

const kafka = await service('kafka')

describe.skipIf(!kafka.available)('a sink on a real server', { timeout: 60_000 }, () => {
  if (!kafka.available) return
  const bootstrapServers = serversOf(kafka)
  const cluster = new Cluster(bootstrapServers)
  afterAll(() => cluster.close())

  it('writes keys, values, headers, event times, tombstones and unicode', async () => {
    const topic = await cluster.create(unique('round'))
    await using sink = await openSink({ bootstrapServers, topic, copyHeadersEnabled: true })
    const eventTime = 1_700_000_000_123
    const outcome = await sink.write([
      ...recordsOf(['grüße 😀'], { key: 'schlüssel', eventTime, properties: { naïve: '✓' } }),
      ...recordsOf([null], { key: 'gone' }),
      ...recordsOf([{ id: 2n ** 60n, bytes: Buffer.from('ab') }], { key: '' }),
      ...recordsOf([Buffer.from([0x61, 0x62])]),
    ])
    expect(outcome).toBeUndefined()
    const found = await cluster.read(topic)
    expect(found.map(({ key, value }) => [key, value])).toEqual([
      ['schlüssel', 'grüße 😀'],
      ['gone', null],
      [undefined, '{"id":1152921504606846976,"bytes":"YWI="}'],
      [undefined, 'ab'],
    ])
    expect(found[0]?.timestamp).toBe(BigInt(eventTime))
    expect(found[0]?.headers).toEqual([['naïve', '✓']])
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('compresses with %s', async compressionType => {
    const topic = await cluster.create(unique(compressionType), 3)
    await using sink = await openSink({ bootstrapServers, topic, compressionType })
    const values = Array.from({ length: 500 }, (_, i) => `value ${i} ${'x'.repeat(100)}`)
    const keyed = values.flatMap((value, i) => recordsOf([value], { key: `key ${i}` }))
    expect(await sink.write(keyed)).toBeUndefined()
    expect((await cluster.values(topic)).sort()).toEqual([...values].sort())
  })

  it('splits what is too large for one batch, and names the records that are too large for the topic', async () => {
    const topic = await cluster.create(unique('large'), 1, { 'max.message.bytes': '10000' })
    await using sink = await openSink({ bootstrapServers, topic })
    const values = Array.from({ length: 100 }, (_, i) => `${i}`.padEnd(i === 50 ? 20_000 : 500, '.'))
    const outcomes = await sink.write(recordsOf(values))
    expect(codes(outcomes).flatMap((code, i) => (code ? [[i, code]] : []))).toEqual([[50, 'PIO_KAFKA_TOO_LARGE']])
    expect(await cluster.values(topic)).toEqual(values.filter((_, i) => i !== 50))
  })

  it('writes a record of 10 MB where it is allowed to, and refuses it where it is not', async () => {
    const topic = await cluster.create(unique('huge'), 1, { 'max.message.bytes': '20000000' })
    const huge = recordsOf(['h'.repeat(10_000_000)])
    await using small = await openSink({ bootstrapServers, topic })
    expect(codes(await small.write(huge))).toEqual(['PIO_KAFKA_TOO_LARGE'])
    await using large = await openSink({ bootstrapServers, topic, maxRequestSize: 20_000_000 })
    expect(await large.write(huge)).toBeUndefined()
    expect((await cluster.values(topic))[0]).toHaveLength(10_000_000)
  })

  it('chooses the topic of each record, and names records without one', async () => {
    const prefix = unique('by')
    await cluster.create(`${prefix}-eu`)
    await using sink = await openSink({
      bootstrapServers,
      topic: `${prefix}-{properties.region}`,
      autoCreateTopic: false,
    })
    const outcomes = await sink.write([
      ...recordsOf(['1'], { properties: { region: 'eu' } }),
      ...recordsOf(['2']),
      ...recordsOf(['3'], { properties: { region: 'no such' } }),
      ...recordsOf(['4'], { properties: { region: 'us' } }),
      ...recordsOf(['5'], { properties: { region: 'eu' } }),
    ])
    expect(codes(outcomes)).toEqual([
      undefined,
      'PIO_KAFKA_TOPIC_NAME',
      'PIO_KAFKA_TOPIC_NAME',
      'PIO_KAFKA_NO_TOPIC',
      undefined,
    ])
    expect(await cluster.values(`${prefix}-eu`)).toEqual(['1', '5'])
  })

  it('names a record that a compacted topic refuses, and writes the others', async () => {
    const topic = await cluster.create(unique('compacted'), 1, { 'cleanup.policy': 'compact' })
    await using sink = await openSink({ bootstrapServers, topic })
    const outcomes = await sink.write([
      ...recordsOf(['a'], { key: 'a' }),
      ...recordsOf(['b']),
      ...recordsOf(['c'], { key: 'c' }),
    ])
    expect(codes(outcomes)).toEqual([undefined, 'PIO_KAFKA_REJECTED', undefined])
    expect(await cluster.values(topic)).toEqual(['a', 'c'])
  })

  it('says what is wrong at start', async () => {
    const down = await failure(openSink({ bootstrapServers: '127.0.0.1:1', topic: 'x' }))
    expect(down).toMatchObject({
      code: 'PIO_KAFKA_UNREACHABLE',
      retry: 'reconnect',
      message: expect.stringContaining('nothing listens there'),
    })
    const unknown = await failure(openSink({ bootstrapServers: 'no-such-host.invalid:9092', topic: 'x' }))
    expect(unknown.message).toContain('host name is not known')
    const missing = await failure(openSink({ bootstrapServers, topic: unique('none'), autoCreateTopic: false }))
    expect(missing).toMatchObject({ code: 'PIO_KAFKA_NO_TOPIC', retry: 'block' })
    const tls = await failure(openSink({ bootstrapServers, topic: 'x', securityProtocol: 'SSL' }))
    expect(tls.message).toMatch(/TLS|ended the connection/)
  })

  it('makes a missing topic where it may', async () => {
    const topic = unique('made')
    await using sink = await openSink({ bootstrapServers, topic })
    await sink.write(recordsOf(['x']))
    expect(await cluster.values(topic)).toEqual(['x'])
  })

  describe('EFFECTIVELY_ONCE', () => {
    const guarantee = 'EFFECTIVELY_ONCE' as const

    it('stores the position with the records, and gives it back', async () => {
      const topic = await cluster.create(unique('once'), 2)
      const context = { name: unique('eo') }
      const list = recordsOf(['1', '2', '3'], { key: 'k' })
      await using first = await openSink({ bootstrapServers, topic }, { guarantee, context })
      expect(await first.committed()).toEqual([])
      expect(await first.write(list)).toBeUndefined()
      await first.close()
      await using second = await openSink({ bootstrapServers, topic }, { guarantee, context })
      expect(await second.committed()).toEqual([{ topic: TOPIC, partition: 0, position: list[2]?.position }])
      // Handed out again, as after a crash before the acknowledgement.
      expect(await second.write(list)).toBeUndefined()
      expect(await cluster.values(topic)).toEqual(['1', '2', '3'])
    })

    it('shuts out an earlier instance of its name, which writes nothing twice when it goes on', async () => {
      const topic = await cluster.create(unique('fence'))
      const context = { name: unique('eo') }
      const options = { guarantee, context }
      const all = recordsOf(['1', '2', '3', '4'])
      await using zombie = await openSink({ bootstrapServers, topic }, options)
      await zombie.write(all.slice(0, 1))
      await using heir = await openSink({ bootstrapServers, topic }, options)
      await heir.committed()
      expect(await heir.write(all.slice(0, 3))).toBeUndefined()
      expect(await failure(Promise.resolve(zombie.write(all.slice(1))))).toMatchObject({
        code: 'PIO_KAFKA_FENCED',
        retry: 'reconnect',
      })
      await zombie.close()
      // Opened anew, as the runtime does, it passes over what the other wrote.
      await using again = await openSink({ bootstrapServers, topic }, options)
      expect(await again.write(all.slice(1))).toBeUndefined()
      expect(await cluster.values(topic)).toEqual(['1', '2', '3', '4'])
    })

    it('stores nothing of a batch with a record that can never be written', async () => {
      const topic = await cluster.create(unique('rollback'), 1, { 'max.message.bytes': '5000' })
      const context = { name: unique('eo') }
      await using sink = await openSink({ bootstrapServers, topic }, { guarantee, context })
      const list = recordsOf(['a', 'b'.repeat(9000), 'c'])
      expect(codes(await sink.write(list))).toEqual([undefined, 'PIO_KAFKA_TOO_LARGE', undefined])
      expect(await cluster.values(topic)).toEqual([])
      expect(await sink.write(list.filter((_, i) => i !== 1))).toBeUndefined()
      expect(await cluster.values(topic)).toEqual(['a', 'c'])
    })

    it('is not held up by a transaction that another connector leaves open in the positions topic', async () => {
      const topic = await cluster.create(unique('held'))
      const [mine, other] = [{ name: unique('mine') }, { name: unique('other') }]
      const { Producer } = await import('@platformatic/kafka')
      const hanging = new Producer({
        clientId: 'hanging',
        bootstrapBrokers: [bootstrapServers],
        idempotent: true,
        transactionalId: other.name,
      })
      await using sink = await openSink({ bootstrapServers, topic }, { guarantee, context: mine })
      const transaction = await hanging.beginTransaction({ producerId: -1n, producerEpoch: -1 } as never)
      for (let partition = 0; partition < 8; partition++)
        await transaction.send({
          messages: [{ topic: 'pulsar-io-positions', partition, key: Buffer.from('x'), value: Buffer.from('x') }],
        })
      await sink.write(recordsOf(['1']))
      await sink.close()
      await using second = await openSink({ bootstrapServers, topic }, { guarantee, context: mine })
      expect(await second.committed()).toHaveLength(1)
      await transaction.abort()
      await hanging.close()
    })
  })
})
