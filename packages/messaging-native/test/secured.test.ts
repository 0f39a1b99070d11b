import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { tokenAuthentication } from '@pulsar-io/messaging-pulsar'
import type { Logger } from '@pulsar-io/sdk'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { openNative } from '../src/index.ts'
import { realAddon } from './support/real-addon.ts'

const native = realAddon()
const secured = native.available
  ? await service('pulsar-secured')
  : { available: false as const, reason: native.reason }

function open(password: string | undefined, logger?: Logger) {
  if (!secured.available || !native.available) throw new Error('there is no broker, or no addon')
  return openNative({
    serviceUrl: secured.url,
    adminUrl: secured.adminUrl,
    addon: native.addon,
    authentication: tokenAuthentication(() => Promise.resolve(password ?? '')),
    tls: { trustCerts: fileURLToPath(new URL('../../../tooling/services/tls/ca.pem', import.meta.url)) },
    logger,
  })
}

describe.skipIf(!native.available || !secured.available)('with a secured broker and the addon', () => {
  const topic = () => `persistent://public/default/native-${randomBytes(6).toString('hex')}`

  it('logs in with a token over TLS', async () => {
    const client = await open(secured.available ? secured.credentials?.password : undefined)
    const options = { topics: [topic()], subscription: 's', type: 'Shared', initialPosition: 'Earliest' } as const
    const consumer = await client.subscribe(options)
    const producer = await client.createProducer({ topic: options.topics[0] })
    await producer.send([{ payload: Buffer.from('hello') }])
    const [message] = await consumer.receive({ maxMessages: 1, timeoutMs: 15_000 })
    expect(Buffer.from(message?.payload ?? []).toString()).toBe('hello')
    await client.close()
  })

  it('says what a role may not do, and the log why', async () => {
    const lines: string[] = []
    const logger = { warn: (line: string) => lines.push(line) } as unknown as Logger
    const client = await open(secured.available ? secured.readOnly?.password : undefined, logger)
    await expect(client.createProducer({ topic: topic() })).rejects.toMatchObject({ code: 'PIO_PULSAR_AUTHORIZATION' })
    expect(lines.join('\n')).toContain('Client is not authorized to Produce')
    await client.close()
  })
})
