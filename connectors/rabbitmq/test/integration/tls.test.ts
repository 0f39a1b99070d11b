import { resolve } from 'node:path'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { addressOf, codes, failure, fresh, openSink, openSource, values } from '../support.ts'

const server = await service('rabbitmq-secured')
const file = (name: string) => resolve(import.meta.dirname, '../../../../tooling/services/tls', name)
const mine = { certFile: file('client.pem'), keyFile: file('client.pem') }
const caFile = file('ca.pem')

describe.skipIf(!server.available)('a server that speaks TLS and wants a client certificate', () => {
  const to = server.available ? { ...addressOf(server), ssl: true } : {}
  const queueName = fresh('tls')

  it('is written to and read from with the own authority and certificate', async () => {
    const tls = { caFile, ...mine }
    await using sink = await openSink({ ...to, tls, exchangeName: queueName, queueName })
    expect(codes(await sink.write(values(['safe'])))).toEqual([undefined])
    await using source = await openSource({ ...to, tls, queueName, durable: true })
    const [record] = await source.take(1)
    expect(record?.value?.toString()).toBe('safe')
    await record?.ack?.()
  })

  it('is not believed without its authority, and the option is named', async () => {
    const error = await failure(openSink({ ...to, tls: mine, exchangeName: queueName }))
    expect(error).toMatchObject({ code: 'PIO_RABBITMQ_TLS', retry: 'reconnect' })
    expect(error.message).toContain('tls.caFile')
    const blind = { ...mine, disableCertificateValidation: true }
    await using sink = await openSink({ ...to, tls: blind, exchangeName: fresh() })
    expect(sink.context.logger.messages('warn')).toHaveLength(1)
  })

  it('refuses who shows no certificate', async () => {
    expect(await failure(openSink({ ...to, tls: { caFile }, exchangeName: queueName }))).toMatchObject({
      code: 'PIO_RABBITMQ_TLS',
      message: expect.stringContaining('tls.certFile'),
    })
  })

  it('tells every file that is of no use', async () => {
    const tls = { caFile: file('nowhere.pem'), certFile: import.meta.filename, keyFile: caFile }
    const error = await failure(openSink({ ...to, tls, exchangeName: queueName }))
    expect(error.message).toMatch(/tls\.caFile: cannot read.*\n.*tls\.certFile:.*PEM/)
  })
})
