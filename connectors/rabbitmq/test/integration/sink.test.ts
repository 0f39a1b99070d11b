import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, Broker, codes, failure, fresh, openSink, type Raw, TOPIC, values } from '../support.ts'

const server = await service('rabbitmq')

describe.skipIf(!server.available)('the sink on a real server', () => {
  let broker: Broker
  let to: Raw

  beforeAll(async () => {
    if (!server.available) return
    broker = await Broker.open(server)
    to = addressOf(server)
  })
  afterAll(() => broker?.close())

  /** A queue that is bound to an exchange of its own. */
  async function bound(options: object = {}, pattern = '#'): Promise<string> {
    const name = fresh()
    await broker.channel.assertExchange(name, 'topic', { durable: true })
    await broker.channel.assertQueue(name, { durable: true, ...options })
    await broker.channel.bindQueue(name, name, pattern)
    return name
  }

  it('declares exchange, queue and binding as Pulsar’s own sink does', async () => {
    const name = fresh()
    await using sink = await openSink({ ...to, exchangeName: name, queueName: name, routingKey: 'k' })
    expect(codes(await sink.write(values(['one'])))).toEqual([undefined])
    const [message] = await broker.drain(name)
    expect(message?.content.toString()).toBe('one')
    expect(message?.fields).toMatchObject({ exchange: name, routingKey: 'k' })
    await broker.channel.assertExchange(name, 'direct', { durable: true })
  })

  it('publishes to the default exchange', async () => {
    const queue = await bound()
    await using sink = await openSink({ ...to, exchangeName: '', routingKey: queue })
    expect(codes(await sink.write(values(['one'])))).toEqual([undefined])
    expect(await broker.texts(queue)).toEqual(['one'])
  })

  it('makes a dead letter of each record that no queue takes, among others that are taken', async () => {
    const name = await bound({}, 'good.#')
    await using sink = await openSink({ ...to, exchangeName: name, routingKey: '%{key}' })
    const keys = ['good.1', 'bad', 'good.2', 'bad', 'worse']
    const records = keys.map((key, i) => ({ ...values([`v${i}`])[0], key })) as ReturnType<typeof values>
    const outcomes = await sink.write(records)
    expect(codes(outcomes)).toEqual([
      undefined,
      'PIO_RABBITMQ_UNROUTABLE',
      undefined,
      'PIO_RABBITMQ_UNROUTABLE',
      'PIO_RABBITMQ_UNROUTABLE',
    ])
    expect(outcomes[4]).toMatchObject({ retry: 'reject', message: expect.stringMatching(/"worse" \(312 NO_ROUTE\)/) })
    expect(await broker.texts(name)).toEqual(['v0', 'v2'])
    await using careless = await openSink({ ...to, exchangeName: name, routingKey: 'bad', mandatory: false })
    expect(codes(await careless.write(values(['lost'])))).toEqual([undefined])
  })

  it('knows which came back where the headers decide, and not the routing key', async () => {
    const name = fresh()
    await broker.channel.assertExchange(name, 'headers', { durable: true })
    await broker.channel.assertQueue(name, { durable: true })
    await broker.channel.bindQueue(name, name, '', { 'x-match': 'all', kind: 'good' })
    await using sink = await openSink({ ...to, exchangeName: name, exchangeType: 'headers' })
    const kinds = ['good', 'bad', 'good', 'good', 'bad']
    const records = values(kinds).map(record => ({ ...record, properties: { kind: String(record.value) } }))
    const unroutable = 'PIO_RABBITMQ_UNROUTABLE'
    expect(codes(await sink.write(records))).toEqual(kinds.map(kind => (kind === 'bad' ? unroutable : undefined)))
  })

  it('routes by property, key, topic and template', async () => {
    const name = await bound()
    const template = '%{property:region}.%{key}.%{partition}'
    await using sink = await openSink({ ...to, exchangeName: name, routingKey: template })
    const outcomes = await sink.write([
      ...values(['a'], { key: 'k', properties: { region: 'eu' } }),
      ...values(['b'], { key: 'k', properties: { region: 'eu', routingKey: 'own' } }),
      ...values(['c'], { key: 'k' }),
      ...values(['d'], { key: 'ü'.repeat(200), properties: { region: 'eu' } }),
    ])
    expect(codes(outcomes)).toEqual([undefined, undefined, 'PIO_RABBITMQ_ROUTING_KEY', 'PIO_RABBITMQ_ROUTING_KEY'])
    expect((await broker.drain(name)).map(({ fields }) => fields.routingKey)).toEqual(['eu.k.0', 'own'])
  })

  it('carries properties, message properties and an id of the position, the same when it comes again', async () => {
    const name = await bound()
    await using sink = await openSink({ ...to, exchangeName: name })
    const properties = {
      'grüße 🙂': 'wörld 漢字',
      CC: 'copy',
      'x-death': '[]',
      __rabbitmq_correlation_id: 'c-1',
      __rabbitmq_priority: '7',
      __rabbitmq_type: 'order',
      __rabbitmq_queue_name: 'from-somewhere',
    }
    const records = values([{ id: 1n << 60n }], { key: 'kéy', properties, eventTime: 1_700_000_000_999 })
    await sink.write(records)
    await sink.write(records)
    const [first, again] = await broker.drain(name)
    expect(first?.content.toString()).toBe('{"id":1152921504606846976}')
    expect(first?.properties).toMatchObject({
      contentType: 'application/json',
      correlationId: 'c-1',
      deliveryMode: 2,
      priority: 7,
      timestamp: 1_700_000_000,
      type: 'order',
      headers: { 'grüße 🙂': 'wörld 漢字', 'pulsar-key': 'kéy', CC: ['copy'] },
    })
    expect(Object.keys(first?.properties.headers ?? {})).not.toContain('x-death')
    expect(Object.keys(first?.properties.headers ?? {})).not.toContain('__rabbitmq_queue_name')
    expect(first?.properties.messageId).toMatch(new RegExp(`^${TOPIC}-0-\\d+-\\d+--1$`))
    expect(again?.properties.messageId).toBe(first?.properties.messageId)
  })

  it.each(['PUBLISH', 'IGNORE', 'FAIL'])(
    'does with a tombstone what nullValueAction says: %s',
    async nullValueAction => {
      const name = await bound()
      await using sink = await openSink({ ...to, exchangeName: name, nullValueAction })
      const outcomes = codes(await sink.write([...values(['a']), ...values([null], { key: 'gone' }), ...values(['b'])]))
      expect(outcomes).toEqual([undefined, nullValueAction === 'FAIL' ? 'PIO_RABBITMQ_NULL' : undefined, undefined])
      const messages = await broker.drain(name)
      expect(messages.map(({ content }) => content.toString())).toEqual(
        nullValueAction === 'PUBLISH' ? ['a', '', 'b'] : ['a', 'b'],
      )
      if (nullValueAction === 'PUBLISH')
        expect(messages[1]?.properties.headers).toEqual({ 'pulsar-key': 'gone', 'pulsar-null-value': true })
    },
  )

  it('finds the record that makes the server close the channel, and delivers the others', async () => {
    const name = await bound()
    await using sink = await openSink({ ...to, exchangeName: name })
    const records = values(Array.from({ length: 50 }, (_, i) => `v${i}`)).map((record, i) =>
      i === 17 || i === 40 ? { ...record, properties: { __rabbitmq_expiration: 'soon' } } : record,
    )
    const outcomes = await sink.write(records)
    const failed = outcomes.flatMap((outcome, i) => (outcome ? [i] : []))
    expect(failed).toEqual([17, 40])
    expect(outcomes[17]).toMatchObject({
      code: 'PIO_RABBITMQ_REJECTED',
      retry: 'reject',
      message: expect.stringMatching(/PRECONDITION_FAILED - invalid expiration/),
    })
    const arrived = new Set(await broker.texts(name))
    expect(arrived).toEqual(new Set(records.flatMap((_, i) => (failed.includes(i) ? [] : [`v${i}`]))))
  })

  it('waits for room in a queue that refuses what it has no room for', async () => {
    const name = await bound({ arguments: { 'x-max-length': 3, 'x-overflow': 'reject-publish' } })
    await using sink = await openSink({ ...to, exchangeName: name })
    const records = values(Array.from({ length: 10 }, (_, i) => `v${i}`))
    const outcomes = await sink.write(records)
    const refused = records.filter((_, i) => outcomes[i] !== undefined)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(10)
    for (const outcome of outcomes)
      if (outcome) expect(outcome).toMatchObject({ code: 'PIO_RABBITMQ_NACKED', retry: 'retry' })
    expect(outcomes.at(-1)?.message).toMatch(/reject-publish/)
    await broker.drain(name)
    expect(codes(await sink.write(refused.slice(0, 2)))).toEqual([undefined, undefined])
  })

  it('takes a record of 10 MB among small ones', async () => {
    const name = await bound()
    await using sink = await openSink({ ...to, exchangeName: name })
    const large = Buffer.alloc(10_000_000, 'ab')
    expect(codes(await sink.write(values(['a', large, 'b'])))).toEqual([undefined, undefined, undefined])
    const messages = await broker.drain(name)
    expect(messages.map(({ content }) => content.length)).toEqual([1, 10_000_000, 1])
    expect(messages[1]?.content.equals(large)).toBe(true)
  })

  it('takes bytes, text, numbers, lists and nothing at all', async () => {
    const name = await bound()
    await using sink = await openSink({ ...to, exchangeName: name })
    const bytes = Uint8Array.of(0, 255, 10)
    expect(codes(await sink.write(values([bytes, 'tëxt', 7, true, [1n, new Uint8Array([1])], ''])))).toEqual(
      new Array(6).fill(undefined),
    )
    const messages = await broker.drain(name)
    expect(messages.map(({ content }) => content.toString('latin1'))).toEqual([
      '\0\xff\n',
      Buffer.from('tëxt').toString('latin1'),
      '7',
      'true',
      '[1,"AQ=="]',
      '',
    ])
    expect(messages.map(({ properties }) => properties.contentType)).toEqual([
      'application/octet-stream',
      'text/plain',
      'application/json',
      'application/json',
      'application/json',
      'text/plain',
    ])
  })

  it('tells of an exchange that is deleted while it writes, and declares it again', async () => {
    const exchangeName = fresh()
    const options = { ...to, exchangeName, mandatory: false }
    {
      await using sink = await openSink(options)
      await sink.write(values(['a']))
      await broker.channel.deleteExchange(exchangeName)
      const [outcome] = await sink.write(values(['b']))
      expect(outcome).toMatchObject({ code: 'PIO_RABBITMQ_NOT_FOUND', retry: 'block' })
      expect(outcome?.message).toMatch(/NOT_FOUND - no exchange/)
    }
    await using sink = await openSink(options)
    expect(codes(await sink.write(values(['b'])))).toEqual([undefined])
  })

  it('blocks when it may not write, and keeps the records', async () => {
    if (!server.available || !server.readOnly) return
    const exchangeName = await bound()
    await using sink = await openSink({ ...to, ...server.readOnly, exchangeName, passive: true })
    const outcomes = await sink.write(values(['a', 'b']))
    expect(codes(outcomes)).toEqual(['PIO_RABBITMQ_FORBIDDEN', 'PIO_RABBITMQ_FORBIDDEN'])
    expect(outcomes[0]).toMatchObject({
      retry: 'block',
      message: expect.stringMatching(/ACCESS_REFUSED - .*access to exchange/),
    })
  })

  it('ends a write that it is told to give up', async () => {
    await using sink = await openSink({ ...to, exchangeName: await bound() })
    const outcomes = await sink.write(values(['a']), { signal: AbortSignal.abort() })
    expect(outcomes[0]).toMatchObject({ retry: 'reconnect' })
    expect(await failure(Promise.reject(outcomes[0]))).toBeDefined()
  })
})
