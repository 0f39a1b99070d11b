import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbedded } from '../src/index.ts'
import { eventually } from './process/run.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pio-embedded-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

describe('worker threads on one directory', () => {
  it('may be terminated in mid-write: others go on, and get what it held', async () => {
    const client = await openEmbedded({ directory })
    const consumer = await client.subscribe({
      topics: ['held'],
      subscription: 's',
      type: 'Shared',
      initialPosition: 'Earliest',
    })
    await consumer.close()
    for (let round = 0; round < 4; round += 1) {
      const worker = new Worker(new URL('./process/thread.ts', import.meta.url), {
        workerData: { directory },
        execArgv: ['--conditions=pulsar-io-source', '--no-warnings'],
      })
      let sent = 0
      worker.on('message', count => {
        sent = count as number
      })
      await eventually('the thread has written', () => sent > 3 + round)
      await worker.terminate()
      const producer = await client.createProducer({ topic: 't', name: `main-${round}` })
      await producer.send([{ payload: Buffer.from('main') }])
      await producer.close()
    }
    const again = await client.subscribe({ topics: ['held'], subscription: 's', type: 'Shared' })
    const messages = await again.receive({ maxMessages: 100, timeoutMs: 10_000 })
    expect(messages.length).toBeGreaterThan(0)
    await client.close()
  })
})
