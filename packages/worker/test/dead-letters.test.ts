import { rmSync, writeFileSync } from 'node:fs'
import { openMessaging } from '@pulsar-io/engine'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Worker } from '../src/index.ts'
import { call, eventually, Place } from './support.ts'

let place: Place
let worker: Worker

beforeEach(async () => {
  place = new Place()
  worker = await place.worker()
})
afterEach(() => place.close())

const SINK = '/admin/v3/sinks/public/default/s'
const SOURCE = '/admin/v3/sources/public/default/src'
const IN = 'persistent://public/default/in'

async function letters(query = ''): Promise<readonly { readonly [name: string]: unknown }[]> {
  const { status, body } = await call(worker, 'GET', `${SINK}/dead-letters${query}`)
  expect(status, JSON.stringify(body)).toBe(200)
  return (body as { letters: { [name: string]: unknown }[] }).letters
}

/** A sink that refuses what it gets until the orders are gone. */
async function refusing(...values: string[]): Promise<void> {
  writeFileSync(place.path('orders'), 'reject')
  await place.produce('in', ...values)
  expect((await call(worker, 'POST', SINK, place.sink())).status).toBe(204)
  await eventually(async () => (await letters()).length === values.length, 'all are dead letters')
}

describe('the dead letters of a sink', () => {
  it('are listed, and written once they are replayed, each of them once', async () => {
    await refusing('a', 'b', 'c')
    const [first] = await letters('?limit=1')
    expect(first).toEqual({
      deadLetterTopic: 'persistent://public/default/in-public-default-s-DLQ',
      letterPosition: expect.stringMatching(/^\d+:\d+/),
      connector: 'public/default/s',
      topic: IN,
      partition: '0',
      position: expect.stringMatching(/^\d+:\d+/),
      code: 'PIO_PROBE',
      reason: 'the probe was told to reject it',
      attempts: expect.any(String),
      time: expect.any(Number),
      size: 1,
    })
    expect((await letters('?showValues=true')).map(({ preview }) => preview)).toMatchObject([
      { value: 'a' },
      { value: 'b' },
      { value: 'c' },
    ])
    rmSync(place.path('orders'))
    const replay = async (query = '') => (await call(worker, 'POST', `${SINK}/dead-letters/replay${query}`)).body
    const none = { refused: 0, reasons: [], began: expect.any(Number) }
    expect(await replay('?dryRun=true')).toEqual({ replayed: 3, ...none })
    expect(place.lines()).toEqual([])
    expect(await replay('?limit=1')).toEqual({ replayed: 1, ...none })
    await eventually(() => place.lines().length === 1, 'the first is written')
    expect(await replay()).toEqual({ replayed: 2, ...none })
    await eventually(() => place.lines().length === 3, 'all are written')
    expect(place.lines()).toEqual(['a', 'b', 'c'])
    expect(await replay()).toEqual({ replayed: 0, ...none })
    expect(await letters()).toEqual([])
    expect((await audit()).filter(({ action }) => action === 'replay')).toHaveLength(3)
  })

  it('come back when the sink refuses them again, without an end', async () => {
    await refusing('a')
    expect((await call(worker, 'POST', `${SINK}/dead-letters/replay`)).body).toMatchObject({ replayed: 1 })
    await eventually(async () => (await letters()).length === 1, 'it waits again')
  })

  it('are in the topic that the configuration names', async () => {
    writeFileSync(place.path('orders'), 'reject')
    await place.produce('in', 'a')
    await call(worker, 'POST', SINK, place.sink({ deadLetterTopic: 'letters', maxMessageRetries: 1 }))
    await eventually(async () => (await letters()).length === 1, 'it is a dead letter')
    expect((await letters())[0]).toMatchObject({ deadLetterTopic: 'persistent://public/default/letters' })
  })

  it('are shown to and replayed by those who may look after the sink', async () => {
    await worker.close()
    const grants = [
      { role: 'ann', tenant: 'public', namespace: 'default' },
      { role: 'bob', tenant: 'acme' },
    ]
    const basic = new Map([
      ['ann', 'a'],
      ['bob', 'b'],
    ])
    worker = await place.worker({ auth: { basic, grants } })
    const as = (who: string, password: string) => ({
      authorization: `Basic ${Buffer.from(`${who}:${password}`).toString('base64')}`,
    })
    await call(worker, 'POST', SINK, place.sink(), as('ann', 'a'))
    for (const [method, path] of [
      ['GET', `${SINK}/dead-letters`],
      ['POST', `${SINK}/dead-letters/replay`],
    ] as const) {
      expect((await call(worker, method, path)).status).toBe(401)
      // 401 as Pulsar says it.
      expect(await call(worker, method, path, undefined, as('bob', 'b'))).toMatchObject({
        status: 401,
        body: { reason: 'Client is not authorized to perform operation' },
      })
      expect((await call(worker, method, path, undefined, as('ann', 'a'))).status).toBe(200)
    }
  })

  it('are refused where the request says nothing of use', async () => {
    expect((await call(worker, 'GET', `${SINK}/dead-letters`)).status).toBe(404)
    expect((await call(worker, 'POST', `${SINK}/dead-letters/replay`)).status).toBe(404)
    await call(worker, 'POST', SINK, place.sink())
    expect(await letters()).toEqual([])
    for (const query of ['limit=0', 'limit=x', 'limit=1001', 'showValues=perhaps']) {
      expect((await call(worker, 'GET', `${SINK}/dead-letters?${query}`)).status, query).toBe(400)
    }
    expect((await call(worker, 'POST', `${SINK}/dead-letters/replay?limit=10001`)).status).toBe(400)
    expect(await call(worker, 'POST', `${SINK}/dead-letters/replay?before=&other=`)).toMatchObject({
      status: 400,
      body: { reason: 'before: is empty; give it a value, or leave it out' },
    })
  })
})

describe('the dead letters of a source', () => {
  it('are listed only: published again they would pass its transforms by', async () => {
    const transforms = [{ drop: { fields: ['x'] } }]
    const config = { archive: 'builtin://probe', topicName: 'out', configs: { file: 'x', end: 1 }, transforms }
    expect(await call(worker, 'POST', SOURCE, config)).toMatchObject({ status: 204 })
    const list = async () => (await call(worker, 'GET', `${SOURCE}/dead-letters`)).body as { letters: object[] }
    await eventually(async () => (await list()).letters.length === 1, 'it is a dead letter')
    expect((await list()).letters).toMatchObject([{ topic: 'persistent://public/default/out', code: 'PIO_TRANSFORM' }])
    const answer = await call(worker, 'POST', `${SOURCE}/dead-letters/replay`)
    expect(answer).toMatchObject({ status: 400, body: { reason: expect.stringMatching(/transforms/) } })
    expect((await audit()).map(({ action }) => action)).toEqual(['create'])
  })
})

async function audit(): Promise<readonly { readonly action: string }[]> {
  const client = await openMessaging({ url: `embedded:${place.path('data')}` })
  try {
    const reader = await client.createReader({ topic: 'public/functions/audit' })
    const messages = await reader.read({ maxMessages: 1000 })
    return messages.map(({ payload }) => JSON.parse(Buffer.from(payload ?? []).toString()) as { action: string })
  } finally {
    await client.close()
  }
}
