import { connect } from 'amqplib'
import { afterAll, describe, expect, it } from 'vitest'
import { service } from './index.ts'

const server = await service('rabbitmq', { dedicated: true })
const secured = await service('rabbitmq-secured')

afterAll(async () => {
  if (server.available) await server.close()
})

describe.skipIf(!server.available)('a dedicated rabbitmq', () => {
  it('keeps what is durable over kill, and is looked after with rabbitmqctl', async () => {
    if (!server.available || !server.credentials) return
    const { username, password } = server.credentials
    const url = server.url.replace('//', `//${username}:${password}@`)
    const before = await connect(url)
    before.on('error', () => undefined)
    const channel = await before.createConfirmChannel()
    channel.on('error', () => undefined)
    await channel.assertQueue('kept', { durable: true })
    channel.sendToQueue('kept', Buffer.from('one'), { persistent: true })
    await channel.waitForConfirms()
    expect(await server.control('list_queues', '--quiet', 'name', 'messages')).toContain('kept\t1')
    await server.kill()
    await expect(connect(url)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/)
    await server.start()
    expect(await server.control('list_queues', '--quiet', 'name', 'messages')).toContain('kept\t1')
    await server.restart()
    await expect(connect(server.url.replace('//', `//${username}:wrong@`))).rejects.toThrow(/ACCESS.REFUSED/)
  }, 120_000)
})

describe.skipIf(!secured.available)('a rabbitmq with TLS', () => {
  it('refuses who shows no certificate', async () => {
    if (!secured.available) return
    expect(secured.url).toMatch(/^amqps:/)
    await expect(connect(secured.url, { rejectUnauthorized: false })).rejects.toThrow()
  })
})
