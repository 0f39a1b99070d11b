import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Worker } from '../src/index.ts'
import { call, eventually, form, Place, probe, statuses } from './support.ts'

let place: Place
let workers: readonly Worker[]

beforeEach(async () => {
  place = new Place()
  workers = [await place.worker(), await place.worker({ workDir: place.path('work2'), cacheDir: place.path('cache2') })]
  await eventually(
    async () => ((await call(first(), 'GET', '/admin/v2/worker/cluster')).body as unknown[]).length === 2,
    'they know each other',
  )
})
afterEach(() => place.close())

const first = () => workers[0] as Worker
const SINK = '/admin/v3/sinks/public/default/s'

describe('requests to any of two workers', () => {
  it('change connectors, tell how all instances are, and show their logs', async () => {
    const config = {
      inputs: ['in'],
      sourceSubscriptionPosition: 'Earliest',
      parallelism: 2,
      configs: { file: place.path('out') },
    }
    // One of them is not the leader: each gets something to change.
    const leader = (await call(first(), 'GET', '/admin/v2/worker/cluster/leader')).body as { workerId: string }
    const [a, b] = [...workers].sort(each => (each.workerId === leader.workerId ? -1 : 1)) as [Worker, Worker]
    expect(await call(b, 'POST', SINK, form('sink', config, probe()))).toMatchObject({ status: 204, body: '' })
    // Whoever made a change sees it at once.
    expect((await call(b, 'GET', SINK)).body).toMatchObject({ parallelism: 2 })
    expect(await call(b, 'POST', SINK, form('sink', config, probe()))).toMatchObject({
      status: 400,
      body: { reason: 'Sink s already exists' },
    })
    for (const worker of [a, b]) {
      await eventually(async () => (await statuses(worker, 's')).every(({ running }) => running), 'all run')
      const ids = (await statuses(worker, 's')).map(({ workerId }) => workerId)
      expect(new Set(ids)).toEqual(new Set([a.workerId, b.workerId]))
      for (const id of [0, 1]) {
        const lines = (await call(worker, 'GET', `${SINK}/${id}/logs`)).body as { message: string; instance: number }[]
        expect(lines.some(({ message, instance }) => message === 'running' && instance === id)).toBe(true)
      }
    }
    await place.produce('in', 'x', 'y')
    await eventually(() => place.lines().length === 2, 'the records are written')
    expect(await call(b, 'POST', `${SINK}/stop`)).toMatchObject({ status: 204 })
    await eventually(async () => (await statuses(a, 's')).every(({ running }) => !running), 'all stopped')
    expect(await call(b, 'DELETE', SINK)).toMatchObject({ status: 204 })
    await eventually(async () => (await call(a, 'GET', SINK)).status === 404, 'it is gone everywhere')
  })

  it('go on when one of them leaves', async () => {
    expect((await call(first(), 'POST', SINK, place.sink({ parallelism: 2 }))).status).toBe(204)
    for (const worker of workers)
      await eventually(async () => (await statuses(worker, 's')).every(({ running }) => running), 'all run')
    const [gone, left] = workers as [Worker, Worker]
    await gone.close()
    await eventually(
      async () => (await statuses(left, 's')).every(each => each.running && each.workerId === left.workerId),
      'the other runs all',
    )
    expect((await call(left, 'PUT', SINK, { parallelism: 1 })).status).toBe(204)
  })

  it('let go of what a third one is to run', async () => {
    expect((await call(first(), 'POST', SINK, place.sink({ parallelism: 6 }))).status).toBe(204)
    const running = async (worker: Worker) => (await statuses(worker, 's')).filter(each => each.running)
    await eventually(async () => (await running(first())).length === 6, 'all run')
    const third = await place.worker({ workDir: place.path('work3'), cacheDir: place.path('cache3') })
    await eventually(
      async () => (await running(third)).some(({ workerId }) => workerId === third.workerId),
      'some run there',
    )
    await eventually(async () => (await running(third)).length === 6, 'all run again')
  })
})
