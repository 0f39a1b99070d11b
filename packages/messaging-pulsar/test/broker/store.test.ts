import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { PulsarClient } from '../../src/index.ts'
import { broker, connect, freshTopic } from '../support/broker.ts'

describe.skipIf(!broker.available)('the topic of a store', () => {
  let client: PulsarClient

  beforeAll(async () => {
    client = await connect()
  })

  afterAll(() => client.close())

  async function threshold(topic: string): Promise<string> {
    const admin = broker.available ? broker.adminUrl : ''
    const answer = await fetch(`${admin}/admin/v2/${topic.replace('://', '/')}/compactionThreshold`)
    return answer.ok ? answer.text() : ''
  }

  it('is compacted from the first write on; whoever reads only asks for nothing', async () => {
    const topic = freshTopic()
    const store = await client.openStore(topic)
    expect(await store.get('k')).toBeUndefined()
    expect(await threshold(topic)).toBe('')
    await store.put('k', Buffer.from('v'))
    await store.close()
    await vi.waitFor(async () => expect(await threshold(topic)).toBe('1048576'), { timeout: 20_000 })
  })
})
