import { createServer } from 'node:net'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressOf, Broker, failure, fresh, openSink, openSource, type Raw } from '../support.ts'

const server = await service('rabbitmq')

describe.skipIf(!server.available)('what is said when a connector cannot begin', () => {
  let broker: Broker
  let to: Raw

  beforeAll(async () => {
    if (!server.available) return
    broker = await Broker.open(server)
    to = addressOf(server)
  })
  afterAll(() => broker?.close())

  it('names the user whose password is wrong, with the server’s words, and not the password', async () => {
    const error = await failure(openSink({ ...to, password: 'hunter2', exchangeName: 'x' }))
    expect(error).toMatchObject({ code: 'PIO_RABBITMQ_AUTH', retry: 'block' })
    expect(error.message).toMatch(/amqp:\/\/127\.0\.0\.1:\d+\/ does not accept user "owner" \(ACCESS_REFUSED/)
    expect(error.message).not.toContain('hunter2')
  })

  it('names a virtual host that is missing, and how to look', async () => {
    const error = await failure(openSource({ ...to, virtualHost: 'nope', queueName: 'q' }))
    expect(error).toMatchObject({ code: 'PIO_RABBITMQ_VHOST', retry: 'block' })
    expect(error.message).toMatch(/virtual host "nope".*rabbitmqctl list_vhosts.*virtualHost/)
  })

  it('names what is missing where nothing is to be declared', async () => {
    const queue = await failure(openSource({ ...to, queueName: 'no-such-queue', passive: true }))
    expect(queue).toMatchObject({ code: 'PIO_RABBITMQ_NOT_FOUND', retry: 'block' })
    expect(queue.message).toMatch(/use queue 'no-such-queue'.*NOT_FOUND - no queue.*passive: false/)
    const exchange = await failure(openSink({ ...to, exchangeName: 'no-such-exchange', passive: true }))
    expect(exchange).toMatchObject({ code: 'PIO_RABBITMQ_NOT_FOUND', retry: 'block' })
    expect(exchange.message).toMatch(/NOT_FOUND - no exchange 'no-such-exchange'/)
    const bound = await failure(openSource({ ...to, queueName: fresh(), autoDelete: true, exchangeName: 'nowhere' }))
    expect(bound).toMatchObject({ code: 'PIO_RABBITMQ_NOT_FOUND' })
    expect(bound.message).toMatch(/exchange 'nowhere'.*set exchangeType/)
  })

  it('tells in the server’s words how a queue or an exchange differs', async () => {
    const queueName = fresh()
    await broker.channel.assertQueue(queueName, { durable: true })
    const queue = await failure(openSource({ ...to, queueName }))
    expect(queue).toMatchObject({ code: 'PIO_RABBITMQ_MISMATCH', retry: 'block' })
    expect(queue.message).toMatch(/PRECONDITION_FAILED - inequivalent arg 'durable'.*set durable,.*passive: true/)
    await (await openSource({ ...to, queueName, passive: true, durable: true })).close()
    const exchange = await failure(openSink({ ...to, exchangeName: 'amq.direct' }))
    expect(exchange).toMatchObject({ code: 'PIO_RABBITMQ_MISMATCH', retry: 'block' })
    expect(exchange.message).toMatch(/inequivalent arg 'type'.*set exchangeType/)
    await (await openSink({ ...to, exchangeName: 'amq.direct', exchangeType: 'direct' })).close()
    await broker.channel.deleteQueue(queueName)
  })

  it('names a permission that the user lacks', async () => {
    if (!server.available || !server.readOnly) return
    const reader = { ...to, ...server.readOnly }
    const error = await failure(openSink({ ...reader, exchangeName: fresh() }))
    expect(error).toMatchObject({ code: 'PIO_RABBITMQ_FORBIDDEN', retry: 'block' })
    expect(error.message).toMatch(/user "reader".*declare exchange.*ACCESS_REFUSED.*set_permissions.*passive: true/)
  })

  it('tells that another connection has the queue for itself', async () => {
    const queueName = fresh()
    await using _first = await openSource({ ...to, queueName, exclusive: true })
    const error = await failure(openSource({ ...to, queueName, exclusive: true }))
    expect(error).toMatchObject({ code: 'PIO_RABBITMQ_LOCKED', retry: 'block' })
    expect(error.message).toMatch(/RESOURCE_LOCKED/)
  })

  it('refuses EFFECTIVELY_ONCE for a queue, and says what keeps it', async () => {
    const once = { guarantee: 'EFFECTIVELY_ONCE' } as const
    const error = await failure(openSource({ ...to, queueName: fresh() }, once))
    expect(error).toMatchObject({ retry: 'stop' })
    expect(error.message).toMatch(/processingGuarantees.*ATLEAST_ONCE.*stream/)
  })

  it('refuses to read a stream as if it were a queue, and a stream by several instances', async () => {
    const queueName = fresh()
    const queueType = 'stream'
    await broker.channel.assertQueue(queueName, { durable: true, arguments: { 'x-queue-type': queueType } })
    await using source = await openSource({ ...to, queueName, passive: true })
    await broker.put(queueName, ['one'])
    expect(await failure(source.read())).toMatchObject({ retry: 'stop', message: expect.stringContaining('queueType') })
    const two = await failure(openSource({ ...to, queueName, passive: true, queueType }, { numInstances: 2 }))
    expect(two).toMatchObject({ retry: 'stop', message: expect.stringContaining('parallelism') })
    await broker.channel.deleteQueue(queueName)
  })
})

describe('no such server', () => {
  it('names the address and the reason', async () => {
    const refused = await failure(openSink({ host: '127.0.0.1', port: 9, exchangeName: 'x' }))
    expect(refused).toMatchObject({ code: 'PIO_RABBITMQ_UNREACHABLE', retry: 'reconnect' })
    expect(refused.message).toMatch(/amqp:\/\/127\.0\.0\.1:9\/.*ECONNREFUSED.*nothing listens/)
    const unknown = await failure(openSink({ host: 'no-such-host.invalid', exchangeName: 'x' }))
    expect(unknown).toMatchObject({ code: 'PIO_RABBITMQ_UNREACHABLE', retry: 'reconnect' })
  })

  it.each([
    ['HTTP/1.1 400 Bad Request\r\n\r\n', false],
    ['', false],
    ['HTTP/1.1 400 Bad Request\r\n\r\n', true],
  ])('says that what listens there is something else (%j, ssl %j)', async (answer, ssl) => {
    const listener = createServer(socket => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => socket.end(answer))
    })
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
    const address = listener.address()
    const port = typeof address === 'object' ? address?.port : 0
    const error = await failure(openSink({ host: '127.0.0.1', port, ssl, exchangeName: 'x' }))
    await new Promise(resolve => listener.close(resolve))
    expect(error).toMatchObject({ retry: 'reconnect' })
    expect(error.code).toBe(ssl ? 'PIO_RABBITMQ_TLS' : 'PIO_RABBITMQ_UNREACHABLE')
    expect(error.message).toMatch(ssl ? /speaks no TLS/ : /does not speak AMQP/)
  })

  it('gives up on a server that is silent', async () => {
    const listener = createServer(socket => void socket.on('error', () => socket.destroy()).resume())
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
    const address = listener.address()
    const port = typeof address === 'object' ? address?.port : 0
    const error = await failure(openSink({ host: '127.0.0.1', port, handshakeTimeout: 200, exchangeName: 'x' }))
    await new Promise(resolve => listener.close(resolve))
    expect(error).toMatchObject({ code: 'PIO_RABBITMQ_TIMEOUT', retry: 'reconnect' })
  })
})
