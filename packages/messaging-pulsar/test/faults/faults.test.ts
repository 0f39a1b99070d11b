import { setTimeout as sleep } from 'node:timers/promises'
import { type TcpProxy, tcpProxy } from '@pulsar-io/testkit'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PulsarClient, PulsarOptions } from '../../src/index.ts'
import { connect, freshTopic } from '../support/broker.ts'
import { underLoad, type Verdict } from './load.ts'

const dedicated = await service('pulsar', { dedicated: true })

const table: (Verdict & { readonly fault: string })[] = []

const NOTHING_WRONG = { lost: 0, twice: 0, reordered: 0, unread: 0, readReordered: 0 }

describe.skipIf(!dedicated.available)('numbered messages with sequence ids', () => {
  const clients: PulsarClient[] = []

  async function open(options: Partial<PulsarOptions> = {}): Promise<PulsarClient> {
    if (!dedicated.available) throw new Error(dedicated.reason)
    const client = await connect(options, dedicated)
    clients.push(client)
    return client
  }

  async function admin(method: 'POST' | 'PUT', path: string, body?: string): Promise<void> {
    const answer = await fetch(`${dedicated.available ? dedicated.adminUrl : ''}/admin/v2/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  }

  beforeAll(async () => {
    await admin('POST', 'namespaces/public/default/deduplication', 'true')
    // What everybody has acknowledged stays, to be counted.
    const forever = '{"retentionTimeInMinutes":-1,"retentionSizeInMB":-1}'
    await admin('POST', 'namespaces/public/default/retention', forever)
  })

  afterAll(async () => {
    for (const client of clients) await client.close()
    console.table(table)
    if (dedicated.available) await dedicated.close()
  })

  /** Hurts while messages flow through a topic with so many partitions, and judges. */
  async function judge(
    fault: string,
    partitions: number,
    hurt: (topic: string) => Promise<void>,
    options: Partial<PulsarOptions> = {},
  ): Promise<Verdict> {
    const [writer, reader, checker] = [await open(options), await open(options), await open()]
    const topic = freshTopic()
    await checker.topics.create(topic, { partitions })
    const verdict = await underLoad({ writer, reader, checker, topic, messages: 2_000, hurt: () => hurt(topic) })
    table.push({ fault: `${fault}, ${partitions || 'no'} partitions`, ...verdict })
    return verdict
  }

  it.each([0, 3])(
    'survive a topic that is unloaded again and again (%d partitions)',
    async partitions => {
      const verdict = await judge('topic unload x 6', partitions, async topic => {
        for (let i = 0; i < 6; i++) {
          await sleep(300)
          const part = partitions === 0 ? topic : `${topic}-partition-${i % partitions}`
          await admin('PUT', `${part.replace('://', '/')}/unload`)
        }
      })
      expect(verdict).toMatchObject({ ...NOTHING_WRONG, readAgain: 0 })
    },
    120_000,
  )

  describe('through a proxy', () => {
    let proxy: TcpProxy

    beforeAll(async () => {
      proxy = await tcpProxy(dedicated.available ? dedicated.url.replace('pulsar:', 'http:') : '')
    })

    afterAll(() => proxy.close())

    it.each([0, 3])(
      'survive connections that are slow and cut (%d partitions)',
      async partitions => {
        const verdict = await judge(
          'latency 10 ms, 12 cuts',
          partitions,
          async () => {
            proxy.latencyMs = 10
            for (let i = 0; i < 12; i++) {
              await sleep(150)
              // In the middle of a frame, of what goes there and of what comes back.
              if (i % 3 === 2) proxy.cutAll()
              else proxy.cutOnce(700 + 37 * i, i % 3 === 0 ? 'up' : 'down')
            }
            await sleep(200)
            await proxy.restore()
          },
          { mapAddress: () => `${proxy.host}:${proxy.port}` },
        )
        expect(proxy.cuts).toBeGreaterThan(8)
        expect(verdict).toMatchObject(NOTHING_WRONG)
      },
      120_000,
    )
  })

  it('survive a broker that restarts', async () => {
    const verdict = await judge('broker restart', 0, async () => {
      await sleep(1_500)
      if (dedicated.available) await dedicated.restart()
      await sleep(1_500)
    })
    expect(verdict).toMatchObject(NOTHING_WRONG)
  }, 300_000)

  it('survive a broker that is killed, twice', async () => {
    const verdict = await judge('broker kill -9 x 2', 3, async () => {
      for (let i = 0; i < 2; i++) {
        await sleep(1_500)
        if (!dedicated.available) return
        await dedicated.kill()
        await dedicated.start()
      }
      await sleep(1_500)
    })
    expect(verdict).toMatchObject(NOTHING_WRONG)
  }, 300_000)
})
