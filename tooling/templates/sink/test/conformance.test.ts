import { sinkFaults, tcpProxy } from '@pulsar-io/testkit'
import { type Item, sinkConformance } from '@pulsar-io/testkit/conformance'
import { afterAll, beforeAll } from 'vitest'
import definition from '../src/index.ts'
import { FakeServer, PASSWORD } from './fake-server.ts'

const server = new FakeServer()
let address = ''
let streams = 0
beforeAll(async () => {
  address = await server.start()
})
afterAll(() => server.stop())

sinkConformance('my-system', {
  definition,
  capabilities: {
    ordered: true,
    keys: true,
    properties: false,
    upsert: false,
    tombstone: { effect: 'stored' },
    faults: 'network',
    fenced: false,
  },
  place: async () => {
    const proxy = await tcpProxy(address)
    const stream = `stream-${streams++}`
    server.create(stream)
    return {
      config: { host: proxy.host, port: proxy.port, stream, password: PASSWORD, timeout: '2s' },
      faults: sinkFaults(proxy),
      read: async () => server.entries(stream).map(({ key, value }) => ({ ...(value as Item), key: key ?? undefined })),
      close: () => proxy.close(),
    }
  },
  poison: () => ({ value: 'refuse me' }),
  mistakes: {
    wrongAddress: { config: config => ({ ...config, port: 1 }), names: '127.0.0.1:1' },
    wrongCredentials: { config: config => ({ ...config, password: 'not-the-password' }), secret: 'not-the-password' },
    missingTarget: { config: config => ({ ...config, stream: 'nowhere' }), names: 'nowhere' },
  },
})
