import { describe, expect, it } from 'vitest'
import { sink } from '../src/sink.ts'
import { source } from '../src/source.ts'

function problems(definition: typeof sink | typeof source, raw: object): { path: string; message: string }[] {
  const result = definition.parse(raw)
  return result.ok ? [] : [...result.problems]
}

describe('the options', () => {
  it('take a configuration of Pulsar as it is', () => {
    const common = {
      host: 'localhost',
      port: '5672',
      virtualHost: '/',
      username: 'guest',
      password: 'guest',
      connectionName: 'test-connection',
      requestedChannelMax: '0',
      requestedFrameMax: '0',
      connectionTimeout: '60000',
      handshakeTimeout: '10000',
      requestedHeartbeat: '60',
      ssl: 'false',
    }
    const from = { queueName: 'test-queue', prefetchCount: '0', prefetchGlobal: 'false', passive: 'false' }
    const rest = { durable: 'false', exclusive: 'false', autoDelete: 'false', exchangeName: 'e', routingKey: '#' }
    expect(problems(source, { ...common, ...from, ...rest })).toEqual([])
    const to = { exchangeName: 'test-exchange', routingKey: 'k', exchangeType: 'topic', queueName: 'q' }
    expect(problems(sink, { ...common, ...to })).toEqual([])
  })

  it('are all told of at once', () => {
    const wrong = { prot: 1, queueType: 'quorum', exclusive: true, ssl: false, tls: { caFile: 'x', certFile: 'y' } }
    expect(problems(source, wrong)).toEqual([
      { path: 'prot', message: 'not an option; did you mean port?' },
      { path: 'host', message: expect.stringContaining('required') },
      { path: 'queueName', message: expect.stringContaining('required') },
      { path: 'ssl', message: expect.stringContaining('must be true') },
      { path: 'tls.keyFile', message: expect.stringContaining('required with tls.certFile') },
      { path: 'durable', message: 'must be true for a quorum queue' },
      { path: 'exclusive', message: 'must be false for a quorum queue' },
    ])
  })

  it('of the sink name what cannot work together', () => {
    const at = { host: 'h' }
    expect(problems(sink, { ...at, exchangeName: 'x', queueName: 'q', routingKey: '%{key}' })).toMatchObject([
      { path: 'routingKey', message: expect.stringContaining('same for all') },
    ])
    expect(problems(sink, { ...at, exchangeName: '', queueName: 'q' })).toMatchObject([{ path: 'exchangeName' }])
    expect(problems(sink, { ...at, exchangeName: 'x', queueType: 'quorum' })).toMatchObject([{ path: 'queueName' }])
    expect(problems(sink, { ...at, exchangeName: 'x', routingKey: '%{' })).toMatchObject([{ path: 'routingKey' }])
    expect(problems(sink, { ...at, exchangeName: 'x', queueArguments: { 'x-max-length': [] } })).toHaveLength(2)
    expect(problems(sink, { ...at, exchangeName: 'x', requestedFrameMax: 100 })).toMatchObject([
      { path: 'requestedFrameMax', message: expect.stringContaining('4096') },
    ])
  })
})
