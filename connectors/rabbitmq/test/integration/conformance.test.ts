import { sinkFaults, sourceFaults, tcpProxy } from '@pulsar-io/testkit'
import { type RawConfig, sinkConformance, sourceConformance } from '@pulsar-io/testkit/conformance'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, describe } from 'vitest'
import { NULL_HEADER } from '../../src/property-names.ts'
import { sink } from '../../src/sink.ts'
import { source } from '../../src/source.ts'
import { addressOf, Broker, fresh } from '../support.ts'

const server = await service('rabbitmq')
const broker = server.available ? await Broker.open(server) : undefined
afterAll(() => broker?.close())

function available(): { server: Extract<typeof server, { available: true }>; broker: Broker } {
  if (!server.available || !broker) throw new Error('no server')
  return { server, broker }
}

const mistakes = (target: string) => ({
  wrongAddress: { config: (config: RawConfig) => ({ ...config, port: 1 }), names: '127.0.0.1:1' },
  wrongCredentials: {
    config: (config: RawConfig) => ({ ...config, password: 'not-the-word' }),
    secret: 'not-the-word',
  },
  missingTarget: {
    config: (config: RawConfig) => ({ ...config, passive: true, [target]: 'nowhere' }),
    names: 'nowhere',
  },
})

describe.skipIf(!server.available)('rabbitmq', () => {
  for (const queueType of ['classic', 'quorum'] as const)
    sinkConformance(`rabbitmq, ${queueType} queue`, {
      definition: sink,
      capabilities: {
        ordered: true,
        keys: true,
        properties: true,
        upsert: false,
        tombstone: { effect: 'stored' },
        faults: 'network',
        fenced: false,
      },
      place: async () => {
        const { server, broker } = available()
        const proxy = await tcpProxy(server.url)
        const name = fresh('sink')
        const received: { id: string; text: string; key?: string; properties: { [name: string]: string } }[] = []
        return {
          config: {
            ...addressOf(server, proxy.url),
            exchangeName: name,
            queueName: name,
            queueType,
            routingKey: 'all',
          },
          faults: sinkFaults(proxy),
          read: async () => {
            for (const { content, properties } of await broker.drain(name)) {
              const { id, text } = JSON.parse(content.toString() || '{}') as { id: string; text: string }
              const { 'pulsar-key': key, ...headers } = properties.headers as { [name: string]: string }
              received.push({ id, text, ...(key === undefined ? {} : { key }), properties: headers })
            }
            return [...received]
          },
          close: async () => {
            await proxy.close()
            await broker.channel.deleteQueue(name)
            await broker.channel.deleteExchange(name)
          },
        }
      },
      // No header name is that long.
      poison: item => ({ value: item, properties: { ['x'.repeat(300)]: 'long' } }),
      mistakes: mistakes('exchangeName'),
    })

  for (const queueType of ['classic', 'quorum', 'stream'] as const) {
    const isStream = queueType === 'stream'
    sourceConformance(`rabbitmq, ${queueType} queue`, {
      // Of a queue it does not claim to know a message again.
      definition: isStream ? source : { ...source, delivery: 'at-least-once' },
      capabilities: {
        readsEarlier: true,
        acks: !isStream,
        keys: true,
        properties: true,
        ordered: true,
        poison: false,
        tombstones: true,
        faults: 'network',
        readAhead: 250,
        ends: false,
      },
      place: async () => {
        const { server, broker } = available()
        const proxy = await tcpProxy(server.url)
        const name = fresh('source')
        await broker.channel.assertExchange(name, 'topic', { durable: true })
        await broker.channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': queueType } })
        await broker.channel.bindQueue(name, name, '#')
        const channel = await broker.model.createConfirmChannel()
        const publish = (key: string, body: string, headers: object): void => {
          channel.publish(name, key, Buffer.from(body), { headers, persistent: true })
        }
        return {
          config: {
            ...addressOf(server, proxy.url),
            queueName: name,
            queueType,
            durable: true,
            prefetchCount: 250,
          },
          faults: sourceFaults(proxy),
          write: async list => {
            for (const { id, text, key, properties } of list)
              publish(key ?? id, JSON.stringify({ id, text }), properties ?? {})
            await channel.waitForConfirms()
          },
          tombstone: async key => {
            publish(key, '', { [NULL_HEADER]: true })
            await channel.waitForConfirms()
          },
          close: async () => {
            await proxy.close()
            await channel.close()
            await broker.channel.deleteQueue(name)
            await broker.channel.deleteExchange(name)
          },
        }
      },
      mistakes: mistakes('queueName'),
    })
  }
})
