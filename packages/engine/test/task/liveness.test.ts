import type { Producer } from '@pulsar-io/messaging'
import { defineSource, type SourceRecord } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eventually, world } from './harness.ts'

/** A source of one record, which then has nothing to read. */
const one = defineSource({
  name: 'probe',
  summary: 'Probe.',
  config: z.strictObject({}),
  delivery: 'replayable',
  create: () => {
    let left: SourceRecord[] = [{ value: 'a' }]
    return {
      open: () => undefined,
      read: async () => {
        const now = left
        left = []
        return now.length > 0 ? now : new Promise<null>(() => undefined)
      },
      close: () => undefined,
    }
  },
})

describe('a source', () => {
  it('waits for the topic while that has not confirmed its records', async () => {
    const { client, source } = bound(await world())
    const create = client.createProducer.bind(client)
    let confirm = () => undefined as void
    client.createProducer = async options => {
      const producer: Producer = await create(options)
      const send = producer.send.bind(producer)
      producer.send = async messages => {
        await new Promise<void>(resolve => {
          confirm = resolve
        })
        return send(messages)
      }
      return producer
    }
    const { task, stats } = await source(one)
    stats.become('running')
    await eventually(() => stats.inFlight === 1)
    const waiting = task.liveness()
    stats.become('reconnecting', 'away')
    const away = task.liveness()
    confirm()
    expect(waiting).toMatchObject({ inHand: true, waitsFor: '1 records in flight are not confirmed by the topic' })
    expect(away.waitsFor).toBeUndefined()
    await eventually(() => stats.written === 1)
    expect(task.liveness().progress).toBeGreaterThan(away.progress)
  })

  it('waits for nothing while it has nothing to read', async () => {
    const { source } = bound(await world())
    const { task, stats } = await source(one)
    stats.become('running')
    await eventually(() => stats.written === 1)
    expect(task.liveness()).toMatchObject({ inHand: false, waitsFor: undefined })
  })
})

function bound(it: Awaited<ReturnType<typeof world>>) {
  return { client: it.client, source: it.source.bind(it) }
}
