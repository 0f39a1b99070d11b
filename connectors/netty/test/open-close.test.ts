import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createSourceContext } from '@pulsar-io/testkit'
import { describe, expect, it } from 'vitest'
import { bindError, listenTcp } from '../src/listen.ts'
import { NettySource } from '../src/source.ts'
import { client, ending, parse, publishAtOnce, start, until } from './harness.ts'

describe('open', () => {
  it.each(['tcp', 'http'])('fails when the port is in use, naming it: %s', async type => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await expect(start({ type, port })).rejects.toMatchObject({
      code: 'PIO_NETTY_PORT_IN_USE',
      retry: 'reconnect',
      message: expect.stringContaining(`${type} 127.0.0.1:${port} is in use`),
    })
    other.close()
  })

  it('fails when the port is in use: udp', async () => {
    const other = createSocket('udp4').bind(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address()
    await expect(start({ type: 'udp', port })).rejects.toMatchObject({
      code: 'PIO_NETTY_PORT_IN_USE',
      message: expect.stringContaining(`udp 127.0.0.1:${port} is in use`),
    })
    other.close()
  })

  it.each(['tcp', 'http', 'udp'])('fails for an address of another machine: %s', async type => {
    await expect(start({ type, host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'PIO_NETTY_HOST_NOT_LOCAL',
      retry: 'reconnect',
      message: expect.stringContaining('192.0.2.1 is no address of this machine'),
    })
  })

  it.each(['tcp', 'http', 'udp'])('fails for a name that does not exist: %s', async type => {
    await expect(start({ type, host: 'no-such-host.invalid' })).rejects.toMatchObject({
      code: 'PIO_NETTY_HOST_UNKNOWN',
      message: expect.stringContaining('no-such-host.invalid'),
    })
  })

  // These depend on the machine, so the system's errors are made up.
  it.each([
    ['EACCES', 'PIO_NETTY_PORT_DENIED', 'reconnect', /ports below 1024/],
    ['ENOTSUP', 'PIO_NETTY_PORT_SHARING', 'stop', /set parallelism to 1/],
    ['EMFILE', 'PIO_NETTY_LISTEN', 'reconnect', /too many files/],
  ])('explains %s', (code, expected, retry, message) => {
    const error = bindError(Object.assign(new Error('too many files'), { code }), parse({ host: '::', port: 80 }))
    expect(error).toMatchObject({ code: expected, retry, message: expect.stringMatching(message) })
    expect(error.message).toContain('tcp [::]:80')
  })

  it('ends the instance when the server fails later', async () => {
    const context = createSourceContext()
    const server = createServer()
    await listenTcp(server, parse({ port: 0 }), context)
    server.emit('error', new Error('gone'))
    expect(context.fatals).toMatchObject([{ code: 'PIO_NETTY_LISTEN', message: expect.stringContaining('gone') }])
    server.close()
  })

  it('lets several instances share a port, and not a single one', async () => {
    const first = await start({}, undefined, { numInstances: 2 })
    const second = await start({ port: first.port }, undefined, { numInstances: 2, instanceId: 1 })
    await expect(start({ port: first.port })).rejects.toMatchObject({ code: 'PIO_NETTY_PORT_IN_USE' })
    for (let i = 0; i < 64; i++) {
      const socket = await client(first.port)
      socket.end('x\n')
      expect(await ending(socket)).toBe('end')
    }
    expect(first.records.length + second.records.length).toBe(64)
    expect(first.records.length).toBeGreaterThan(0)
    expect(second.records.length).toBeGreaterThan(0)
  })

  it('says what numberOfThreads means here', async () => {
    const running = await start({ numberOfThreads: 4 })
    expect(running.context.logger.messages('info')[0]).toMatch(/^numberOfThreads 4: an instance is one event loop/)
  })

  it('says that a token goes over the network unencrypted', async () => {
    const running = await start({ type: 'http', host: '0.0.0.0', token: 's3cret' })
    expect(running.context.logger.messages('info')[0]).toMatch(/^token goes over the network unencrypted/)
  })
})

describe('close', () => {
  it('is waited for also by who calls it a second time', async () => {
    let release = (): void => undefined
    const running = await start({}, () => new Promise(resolve => (release = resolve)))
    const socket = await client(running.port)
    socket.write('one\n')
    await until(() => expect(running.records).toHaveLength(1))
    const order: string[] = []
    const closing = [1, 2].map(async () => {
      await running.source.close()
      order.push('closed')
    })
    await new Promise(resolve => setTimeout(resolve, 50))
    order.push('published')
    await publishAtOnce(running.records)
    release()
    await Promise.all(closing)
    expect(order).toEqual(['published', 'closed', 'closed'])
  })

  it.each(['tcp', 'http', 'udp'])('can be called again and without or after a failed open: %s', async type => {
    const unopened = new NettySource()
    await unopened.close()
    const failed = new NettySource()
    const opening = failed.open(parse({ type, host: '192.0.2.1' }), createSourceContext(), async () => undefined)
    await expect(opening).rejects.toThrow()
    await failed.close()
    await failed.close()
    const running = await start({ type })
    await running.source.close()
    await running.source.close()
    // The port is free again.
    await start({ type, port: running.port })
  })
})
