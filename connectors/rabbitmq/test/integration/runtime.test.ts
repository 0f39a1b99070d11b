import { type DedicatedService, service } from '@pulsar-io/tooling/services'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { numbered, numberedLines, tally } from '../../../../test/support/records.ts'
import { until } from '../../../../test/support/until.ts'
import { type Workspace, workspace } from '../../../../test/support/workspace.ts'
import { addressOf, Broker, fresh } from '../support.ts'

/** Small: what counts is where it is interrupted. */
const RECORDS = 20_000

const server = await service('rabbitmq', { dedicated: true })
afterAll(async () => {
  if (server.available) await server.close()
})

const sinkArgs = (config: object) => [
  ...['--archive', 'connectors/rabbitmq.tgz', '--kind', 'sink', '--name', 'out', '--inputs', 'orders'],
  ...['--subs-position', 'Earliest', '--exit-when-idle', '1s', '--sink-config', JSON.stringify(config)],
]

const sourceArgs = (config: object, more: readonly string[] = []) => [
  ...['--archive', 'connectors/rabbitmq.tgz', '--kind', 'source', '--name', 'in'],
  ...[
    '--destination-topic-name',
    'orders',
    '--exit-when-idle',
    '1s',
    '--source-config',
    JSON.stringify(config),
    ...more,
  ],
]

const parsed = (texts: readonly string[]): unknown[] => texts.map(text => JSON.parse(text))

describe.skipIf(!server.available)('the runtime command with a real server', { timeout: 120_000 }, () => {
  if (!server.available) return
  const own: DedicatedService = server
  const to = addressOf(own)
  const brokers: Broker[] = []
  afterEach(async () => {
    for (const broker of brokers.splice(0)) await broker.close()
    await own.start()
  })

  const connect = async (): Promise<Broker> => {
    const broker = await Broker.open(own)
    brokers.push(broker)
    return broker
  }

  const consumed = async (user: Workspace): Promise<unknown[]> =>
    (await user.consume('orders')).map(({ value }) => (typeof value === 'string' ? JSON.parse(value) : value))

  it('killed as a sink, again and again, loses nothing', async () => {
    const user = await workspace()
    const queueName = fresh('killed-sink')
    const config = { ...to, exchangeName: queueName, queueName, routingKey: 'all', batchSize: 200 }
    await user.produce('orders', numberedLines(RECORDS))
    const broker = await connect()
    await broker.channel.assertQueue(queueName, { durable: true })
    let last = 0
    for (let round = 1; round <= 3; round++) {
      const run = user.start(sinkArgs(config))
      const enough = last + RECORDS / 5
      last = await run.while(
        async () => {
          const ready = await broker.ready(queueName)
          return ready > enough && ready
        },
        { pollMs: 2, what: `${enough} messages` },
      )
      run.kill('SIGKILL')
      await run.end()
    }
    const end = await user.run(sinkArgs(config))
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
    expect(tally(parsed(await broker.texts(queueName)), RECORDS)).toMatchObject({ lost: [], alien: [] })
  })

  it.each(['classic', 'quorum'])(
    'killed as a source of a %s queue, again and again, loses nothing',
    async queueType => {
      const user = await workspace()
      const queueName = fresh('killed-source')
      const broker = await connect()
      await broker.channel.assertQueue(queueName, { durable: true, arguments: { 'x-queue-type': queueType } })
      await broker.put(queueName, numberedLines(RECORDS))
      const args = sourceArgs({ ...to, queueName, durable: true, queueType })
      for (let round = 1; round <= 3; round++) {
        const run = user.start(args)
        const enough = RECORDS - (RECORDS / 5) * round
        await run.while(async () => (await broker.ready(queueName)) < enough, { pollMs: 2, what: `${enough} left` })
        run.kill('SIGKILL')
        await run.end()
      }
      const end = await user.run(args)
      expect(end, end.stderr).toMatchObject({ code: 0 })
      expect(await broker.ready(queueName)).toBe(0)
      expect(tally(await consumed(user), RECORDS)).toMatchObject({ lost: [], alien: [] })
    },
  )

  it('killed as the source of a stream, again and again, has every record once', async () => {
    const user = await workspace()
    const queueName = fresh('killed-stream')
    const broker = await connect()
    await broker.channel.assertQueue(queueName, { durable: true, arguments: { 'x-queue-type': 'stream' } })
    await broker.put(queueName, numberedLines(RECORDS))
    const args = sourceArgs({ ...to, queueName, durable: true, queueType: 'stream' }, [
      '--processing-guarantees',
      'EFFECTIVELY_ONCE',
    ])
    const arrived = async () => {
      const { stdout } = await user.run(['topics', 'stats', 'orders', '--output', 'json'])
      return Number(/"messages":\s*(\d+)/.exec(stdout)?.[1] ?? 0)
    }
    for (let round = 1; round <= 2; round++) {
      const run = user.start(args)
      await run.while(async () => (await arrived()) > (RECORDS / 4) * round, {
        pollMs: 2,
        what: `a part of ${RECORDS}`,
      })
      run.kill('SIGKILL')
      await run.end()
    }
    const end = await user.run(args)
    expect(end, end.stderr).toMatchObject({ code: 0 })
    expect(tally(await consumed(user), RECORDS)).toEqual({ lost: [], duplicated: [], reordered: [], alien: [] })
  })

  it('goes on when the server is restarted under load, and says so', async () => {
    const user = await workspace()
    const queueName = fresh('restarted')
    await user.produce('orders', numberedLines(RECORDS))
    const config = { ...to, exchangeName: queueName, queueName, routingKey: 'all', batchSize: 200 }
    let broker = await connect()
    await broker.channel.assertQueue(queueName, { durable: true })
    const run = user.start(sinkArgs(config))
    await run.while(async () => (await broker.ready(queueName)) > RECORDS / 5, { pollMs: 2, what: 'a part' })
    await own.stop()
    const lost = await run.logged(/connection lost; nothing is lost/, { withinMs: 60_000 })
    expect(lost).toMatchObject({
      level: 'warn',
      reason: expect.stringMatching(/amqp:.*(CONNECTION_FORCED|ECONN|close)/),
    })
    await own.start()
    const end = await run.end(90_000)
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { deadLettered: 0 } })
    expect(end.log.some(({ msg }) => msg === 'connected again')).toBe(true)
    broker = await connect()
    expect(tally(parsed(await broker.texts(queueName)), RECORDS)).toMatchObject({ lost: [], alien: [] })
  })

  it('makes dead letters, with the server’s words, of what no queue takes', async () => {
    const user = await workspace()
    const queue = fresh('routed')
    const broker = await connect()
    await broker.channel.assertExchange(queue, 'topic', { durable: true })
    await broker.channel.assertQueue(queue, { durable: true })
    await broker.channel.bindQueue(queue, queue, 'even')
    const lines = Array.from({ length: 1000 }, (_, n) =>
      JSON.stringify({ ...numbered(n), key: n % 2 ? 'odd' : 'even' }),
    )
    await user.produce('orders', lines, ['--key-field', 'key', '--property', 'origin=test'])
    const end = await user.run(sinkArgs({ ...to, exchangeName: queue, routingKey: '%{key}' }))
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { recordsOut: 500, deadLettered: 500 } })
    expect(await broker.texts(queue)).toHaveLength(500)
    const [letter] = await user.consume('orders-public-default-out-DLQ')
    expect(letter?.properties).toMatchObject({
      origin: 'test',
      'pulsar-io-code': 'PIO_RABBITMQ_UNROUTABLE',
      'pulsar-io-reason': expect.stringMatching(/no queue for the routing key "odd" \(312 NO_ROUTE\)/),
    })
  })

  it('says that the server is out of memory, and goes on when it is not', async () => {
    const user = await workspace()
    const queueName = fresh('blocked')
    const broker = await connect()
    await broker.channel.assertQueue(queueName, { durable: true })
    await user.produce('orders', numberedLines(1000))
    await own.control('set_vm_memory_high_watermark', '0.0000001')
    const run = user.start(sinkArgs({ ...to, exchangeName: queueName, queueName, routingKey: 'all' }))
    const said = await run.logged(/takes nothing for now/)
    expect(said).toMatchObject({ level: 'warn', reason: expect.stringContaining('low on memory') })
    await own.control('set_vm_memory_high_watermark', '0.4')
    const end = await run.end()
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { recordsOut: 1000, deadLettered: 0 } })
    await until(async () => (await broker.ready(queueName)) === 1000, { what: '1000 messages' })
  })

  it('tells an operator what is wrong, and shows no password', async () => {
    const user = await workspace()
    const wrong = await user.run(sinkArgs({ ...to, password: 'hunter2', exchangeName: 'x' }))
    expect(wrong.code).toBe(2)
    expect(wrong.said).toMatch(/does not accept user "owner" \(ACCESS_REFUSED.*correct username and password/)
    expect(wrong.said).toContain('PIO_RABBITMQ_AUTH')
    expect(wrong.stderr).not.toContain('hunter2')
    const { host, ...rest } = to
    const misspelt = await user.run(sinkArgs({ ...rest, hots: host, exchangName: 'x' }))
    expect(misspelt.code).toBe(2)
    expect(misspelt.said).toMatch(/hots: not an option; did you mean host\?/)
    expect(misspelt.said).toMatch(/exchangName: not an option; did you mean exchangeName\?/)
    const once = await user.run([
      ...sinkArgs({ ...to, exchangeName: 'x' }),
      '--processing-guarantees',
      'EFFECTIVELY_ONCE',
    ])
    expect(once.code).toBe(2)
    expect(once.said).toMatch(/cannot keep EFFECTIVELY_ONCE.*ATLEAST_ONCE/)
    const queue = await user.run(
      sourceArgs({ ...to, queueName: fresh() }, ['--processing-guarantees', 'EFFECTIVELY_ONCE']),
    )
    expect(queue.code).toBe(2)
    expect(queue.said).toMatch(/cannot keep EFFECTIVELY_ONCE for a queue/)
  })
})
