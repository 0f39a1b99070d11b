import { sourceFaults, tcpProxy } from '@pulsar-io/testkit'
import { sourceConformance } from '@pulsar-io/testkit/conformance'
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

sourceConformance('my-system', {
  definition,
  capabilities: {
    readsEarlier: true,
    acks: true,
    keys: true,
    properties: false,
    ordered: true,
    poison: true,
    tombstones: false,
    faults: 'network',
    readAhead: 100,
    ends: false,
  },
  place: async () => {
    const proxy = await tcpProxy(address)
    const stream = `stream-${streams++}`
    let count = 0
    server.create(stream)
    const add = (value: unknown, key: string | null = null) =>
      server.add(stream, [{ id: `entry-${count++}`, key, value }])
    return {
      config: { host: proxy.host, port: proxy.port, stream, password: PASSWORD, timeout: '2s' },
      faults: sourceFaults(proxy),
      write: async items => {
        for (const { id, text, key } of items) add(JSON.stringify({ id, text }), key)
      },
      poison: async () => add(7),
      unacked: async () => server.unacknowledged(stream),
      close: () => proxy.close(),
    }
  },
  mistakes: {
    wrongAddress: { config: config => ({ ...config, port: 1 }), names: '127.0.0.1:1' },
    wrongCredentials: { config: config => ({ ...config, password: 'not-the-password' }), secret: 'not-the-password' },
    missingTarget: { config: config => ({ ...config, stream: 'nowhere' }), names: 'nowhere' },
  },
})
