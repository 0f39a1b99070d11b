import { openMessaging } from '@pulsar-io/engine'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Worker } from '../src/index.ts'
import { call, eventually, Place, statuses } from './support.ts'

let place: Place
let worker: Worker

beforeEach(async () => {
  place = new Place()
  worker = await place.worker()
})
afterEach(() => place.close())

const SINK = '/admin/v3/sinks/public/default/s'
const SOURCE = '/admin/v3/sources/public/default/src'

/** A sink that wrote three records; the topic keeps them, so that there is something to go back to. */
async function written(): Promise<void> {
  const client = await openMessaging({ url: `embedded:${place.path('data')}` })
  await client.topics.create('in')
  await client.topics.setRetention('in', { sizeBytes: -1, timeMs: -1 })
  await client.close()
  await place.produce('in', 'a', 'b', 'c')
  await call(worker, 'POST', SINK, place.sink())
  await eventually(() => place.lines().length === 3, 'three records')
}

async function stopped(): Promise<void> {
  await call(worker, 'POST', `${SINK}/stop`)
  await eventually(async () => (await statuses(worker, 's'))[0]?.state === 'stopped', 'it has stopped')
}

describe('the offsets of a sink', () => {
  it('tell its backlog, and move while it is stopped only', async () => {
    await written()
    const topic = 'persistent://public/default/in'
    const backlog = async () =>
      ((await call(worker, 'GET', `${SINK}/offsets`)).body as { topics: { backlog: number }[] }).topics[0]?.backlog
    await eventually(async () => (await backlog()) === 0, 'all is acknowledged')
    expect((await call(worker, 'GET', `${SINK}/offsets`)).body).toEqual({
      subscription: 'public/default/s',
      topics: [{ topic, backlog: 0, acknowledged: expect.stringMatching(/^\d+:\d+:/), last: expect.any(String) }],
    })
    expect(await call(worker, 'PUT', `${SINK}/offsets`, { to: 'earliest' })).toMatchObject({
      status: 400,
      body: { reason: 'Sink s is running; stop it first' },
    })
    await stopped()
    expect((await call(worker, 'PUT', `${SINK}/offsets`, { to: 'earliest', topic: 'in' })).status).toBe(204)
    expect(await backlog()).toBe(3)
    await call(worker, 'POST', `${SINK}/start`)
    await eventually(() => place.lines().length === 6, 'all of them again')
  })

  it('move to the end, to a time, and to where a new one begins', async () => {
    await written()
    await stopped()
    await place.produce('in', 'd')
    const backlogAfter = async (method: string, body?: object) => {
      expect((await call(worker, method, `${SINK}/offsets`, body)).status).toBe(204)
      return ((await call(worker, 'GET', `${SINK}/offsets`)).body as { topics: { backlog: number }[] }).topics[0]
        ?.backlog
    }
    expect(await backlogAfter('PUT', { to: 'latest' })).toBe(0)
    expect(await backlogAfter('PUT', { to: Date.now() - 3_600_000 })).toBe(4)
    expect(await backlogAfter('PUT', { to: '2100-01-01T00:00:00Z' })).toBe(0)
    // The sink begins with the earliest.
    expect(await backlogAfter('DELETE')).toBe(4)
  })

  it('are refused where they say nothing', async () => {
    await written()
    await stopped()
    for (const body of [
      {},
      { to: 'yesterday' },
      { to: 'earliest', topic: 'other' },
      { partitions: {} },
      { to: 'earliest', x: 1 },
    ]) {
      expect((await call(worker, 'PUT', `${SINK}/offsets`, body)).status, JSON.stringify(body)).toBe(400)
    }
    expect((await call(worker, 'GET', '/admin/v3/sinks/public/default/nope/offsets')).status).toBe(404)
  })
})

describe('the offsets of a source', () => {
  it('are its checkpoints, and can be set and taken away', async () => {
    const config = { archive: 'builtin://probe', topicName: 'out', configs: { file: 'x' } }
    await call(worker, 'POST', SOURCE, config)
    await call(worker, 'POST', `${SOURCE}/stop`)
    expect((await call(worker, 'GET', `${SOURCE}/offsets`)).body).toEqual({ partitions: {} })
    const partitions = { a: { line: 7 }, b: { line: 8 } }
    expect((await call(worker, 'PUT', `${SOURCE}/offsets`, { partitions })).status).toBe(204)
    expect((await call(worker, 'GET', `${SOURCE}/offsets`)).body).toEqual({ partitions })
    expect((await call(worker, 'PUT', `${SOURCE}/offsets`, { partitions: { b: { line: 9 } } })).status).toBe(204)
    expect((await call(worker, 'GET', `${SOURCE}/offsets`)).body).toEqual({ partitions: { b: { line: 9 } } })
    expect((await call(worker, 'DELETE', `${SOURCE}/offsets`)).status).toBe(204)
    expect((await call(worker, 'GET', `${SOURCE}/offsets`)).body).toEqual({ partitions: {} })
    expect((await call(worker, 'PUT', `${SOURCE}/offsets`, { to: 'earliest' })).status).toBe(400)
  })
})
