import { writeFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { openMessaging } from '@pulsar-io/engine'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packConnector } from '../../../tooling/pack/pack-connector.ts'
import { call, eventually, form, Place, probe, statuses } from './support.ts'

let place: Place

beforeEach(() => {
  place = new Place()
})
afterEach(() => place.close())

const SINK = '/admin/v3/sinks/public/default/s'
const DONE = { status: 204, body: '' }

describe('a sink in its own thread, with the archive of the file connector', () => {
  it('is created, moves records, is updated, stops, starts, outlives its worker and is deleted', {
    timeout: 180_000,
  }, async () => {
    await packConnector(fileURLToPath(new URL('../../../connectors/file', import.meta.url)), place.path('file.tgz'))
    const archive = await readFile(place.path('file.tgz'))
    await rm(place.path('file.tgz'))
    let worker = await place.worker({ isolation: 'thread' })
    const config = {
      inputs: ['in'],
      sourceSubscriptionPosition: 'Earliest',
      configs: { path: place.path('out'), format: 'lines' },
    }
    expect(await call(worker, 'POST', SINK, form('sink', config, archive))).toMatchObject(DONE)
    await place.produce('in', 'a', 'b')
    await eventually(() => place.lines().length === 2, 'the first records')
    await eventually(async () => (await statuses(worker, 's'))[0]?.numWrittenToSink === 2, 'the status tells of them')
    expect(await statuses(worker, 's')).toMatchObject([{ running: true, workerId: worker.workerId }])

    const changed = { configs: { path: place.path('out2'), format: 'lines' } }
    expect(await call(worker, 'PUT', SINK, form('sink', changed))).toMatchObject(DONE)
    await place.produce('in', 'c')
    await eventually(() => place.lines('out2').length === 1, 'a record behind the update')

    expect(await call(worker, 'POST', `${SINK}/stop`)).toMatchObject(DONE)
    expect(await statuses(worker, 's')).toMatchObject([{ running: false }])
    await eventually(async () => (await statuses(worker, 's'))[0]?.state === 'stopped')
    await place.produce('in', 'd')
    await worker.close()

    worker = await place.worker({ isolation: 'thread' })
    expect(await statuses(worker, 's')).toMatchObject([{ running: false, state: 'stopped' }])
    expect(await call(worker, 'POST', `${SINK}/start`)).toMatchObject(DONE)
    await eventually(() => place.lines('out2').length === 2, 'the record that came meanwhile')
    expect(place.lines('out2')).toEqual(['c', 'd'])
    await worker.close()

    // Another machine: it has the store, and no file of the archive.
    await rm(place.path('work'), { recursive: true })
    await rm(place.path('cache'), { recursive: true })
    worker = await place.worker({ isolation: 'thread' })
    await place.produce('in', 'e')
    await eventually(() => place.lines('out2').length === 3, 'a record on another machine')
    expect(await call(worker, 'DELETE', SINK)).toMatchObject(DONE)
    expect(await call(worker, 'GET', SINK)).toMatchObject({ status: 404 })
    const client = await openMessaging({ url: `embedded:${place.path('data')}` })
    expect((await client.topics.stats('in')).subscriptions).toEqual([])
    const store = await client.openStore('public/functions/archives')
    await eventually(async () => (await store.entries()).length === 0, 'the archive is taken away')
    await client.close()
  })
})

describe('instances', () => {
  it('stop, start and restart one by one, and are told apart', async () => {
    const worker = await place.worker()
    expect(await call(worker, 'POST', SINK, place.sink({ parallelism: 2 }))).toMatchObject(DONE)
    const running = async () => (await statuses(worker, 's')).map(each => each.running)
    await eventually(async () => (await running()).every(Boolean), 'both run')
    expect(await call(worker, 'POST', `${SINK}/1/stop`)).toMatchObject(DONE)
    expect(await running()).toEqual([true, false])
    expect((await call(worker, 'GET', '/admin/v2/worker/assignments')).body).toEqual({
      [worker.workerId]: ['public/default/s:0'],
    })
    expect(await call(worker, 'POST', `${SINK}/1/start`)).toMatchObject(DONE)
    await eventually(async () => (await running())[1] === true, 'the second runs again')
    const starts = () =>
      place.logs
        .filter(({ message, connector }) => message === 'running' && connector !== undefined)
        .map(each => each.instance)
    expect(await call(worker, 'POST', `${SINK}/0/restart`)).toMatchObject(DONE)
    await eventually(() => starts().filter(each => each === 0).length === 2, 'the first began anew')
    expect(starts().filter(each => each === 1)).toHaveLength(2)
    expect(await call(worker, 'POST', `${SINK}/2/start`)).toMatchObject({
      status: 400,
      body: { reason: "Sink s doesn't have instance with id 2" },
    })
  })

  it('pause and resume one by one, also over a restart and another worker', async () => {
    let worker = await place.worker()
    await call(worker, 'POST', SINK, place.sink({ parallelism: 2 }))
    const states = async () => (await statuses(worker, 's')).map(({ state }) => state)
    const are = (...wanted: string[]) =>
      eventually(async () => String(await states()) === String(wanted), String(wanted))
    await are('running', 'running')
    expect(await call(worker, 'POST', `${SINK}/1/pause`)).toMatchObject(DONE)
    await are('running', 'paused')
    expect(await call(worker, 'POST', `${SINK}/pause`)).toMatchObject(DONE)
    await are('paused', 'paused')
    expect((await statuses(worker, 's')).map(({ running }) => running)).toEqual([true, true])
    await place.produce('in', 'a')
    expect(await call(worker, 'POST', `${SINK}/restart`)).toMatchObject(DONE)
    await are('paused', 'paused')
    await worker.close()

    worker = await place.worker()
    await are('paused', 'paused')
    expect(place.lines()).toEqual([])
    expect(await call(worker, 'POST', `${SINK}/0/resume`)).toMatchObject(DONE)
    await are('running', 'paused')
    await eventually(() => place.lines().length === 1, 'what came meanwhile')
    expect(await call(worker, 'POST', `${SINK}/resume`)).toMatchObject(DONE)
    await are('running', 'running')
    expect((await call(worker, 'GET', SINK)).body).not.toHaveProperty('paused')
    expect(await call(worker, 'POST', `${SINK}/2/pause`)).toMatchObject({
      status: 400,
      body: { reason: "Sink s doesn't have instance with id 2" },
    })
  })

  it('that fail for good say why, and touch nobody else', async () => {
    writeFileSync(place.path('orders'), 'refuse')
    const worker = await place.worker()
    await call(worker, 'POST', SINK, place.sink())
    const other = place.sink({ configs: { file: place.path('other') }, inputs: ['other'] })
    await call(worker, 'POST', '/admin/v3/sinks/public/default/other', other)
    await place.produce('other', 'x')
    await eventually(() => place.lines('other').length === 1, 'the other sink writes')
    await eventually(async () => (await statuses(worker, 's'))[0]?.state === 'failed', 'the sink failed')
    const [status] = await statuses(worker, 's')
    expect(status).toMatchObject({ running: false, error: 'the probe cannot be run like this' })
    expect(status?.latestSystemExceptions[0]?.exceptionString).toContain('the probe cannot be run like this')
    await eventually(async () => (await statuses(worker, 'other'))[0]?.numWrittenToSink === 1, 'its status tells of it')
  })

  it('that crash are shown with their last errors, and go on', async () => {
    writeFileSync(place.path('orders'), 'crash')
    const worker = await place.worker()
    await place.produce('in', 'a')
    await call(worker, 'POST', SINK, place.sink())
    await eventually(async () => ((await statuses(worker, 's'))[0]?.numRestarts ?? 0) > 0, 'a restart')
    expect((await statuses(worker, 's'))[0]?.latestSystemExceptions[0]?.exceptionString).toContain('a bug in the probe')
    writeFileSync(place.path('orders'), '')
    await eventually(() => place.lines().length === 1, 'the record is written')
  })

  it('keep their latest log lines, without secrets', async () => {
    const worker = await place.worker()
    const configs = { file: place.path('out'), password: 'hunter2' }
    await call(worker, 'POST', SINK, place.sink({ configs }))
    const logs = async (query = '') =>
      (await call(worker, 'GET', `${SINK}/0/logs${query}`)).body as { seq: number; message: string }[]
    await eventually(async () => (await logs()).some(({ message }) => message === 'running'), 'it says that it runs')
    const lines = await logs()
    expect(lines.map(({ message }) => message)).toContain('the password is ***')
    const last = lines.at(-1)?.seq ?? 0
    expect((await logs(`?since=${last - 1}`)).map(({ seq }) => seq)).toContain(last)
    expect(await logs(`?since=${last + 1000}`)).toEqual([])
  })
})

describe('changes', () => {
  it('that began with an older version are refused', async () => {
    const worker = await place.worker()
    await call(worker, 'POST', SINK, place.sink())
    const tag = (await call(worker, 'GET', SINK)).headers.get('etag') ?? ''
    const update = (parallelism: number) => call(worker, 'PUT', SINK, { parallelism }, { 'if-match': tag })
    expect(await update(2)).toMatchObject(DONE)
    const late = await update(3)
    expect(late.status).toBe(409)
    expect(late.body).toEqual({ reason: expect.stringContaining('read it again and repeat the change') })
    expect((await call(worker, 'GET', SINK)).body).toMatchObject({ parallelism: 2 })
  })

  it('at the same time are all kept, one after the other', async () => {
    const worker = await place.worker()
    const names = Array.from({ length: 3 }, (_, i) => `s${i}`)
    const made = await Promise.all(
      names.map(name => call(worker, 'POST', `/admin/v3/sinks/public/default/${name}`, place.sink())),
    )
    expect(made.map(({ status }) => status)).toEqual(names.map(() => 204))
    const same = await Promise.all(names.map(() => call(worker, 'POST', SINK, place.sink())))
    expect(same.filter(({ status }) => status === 204)).toHaveLength(1)
    expect((await call(worker, 'GET', '/admin/v3/sinks/public/default')).body).toEqual(['s', ...names])
  })

  it('bring another archive, and the old one goes', async () => {
    const worker = await place.worker()
    const { archive: _, ...config } = place.sink()
    await call(worker, 'POST', SINK, form('sink', config, probe('1.0.0')))
    expect(await call(worker, 'PUT', SINK, form('sink', {}, probe('2.0.0')))).toMatchObject(DONE)
    const client = await openMessaging({ url: `embedded:${place.path('data')}` })
    const store = await client.openStore('public/functions/archives')
    await eventually(async () => (await store.entries('archive/')).length === 1, 'one archive is left')
    await client.close()
    await place.produce('in', 'a')
    await eventually(() => place.lines().length === 1, 'it runs with the new one')
  })

  it('of a built-in archive are seen behind a reload and a restart', async () => {
    const worker = await place.worker()
    await call(worker, 'POST', SINK, place.sink())
    const version = async () =>
      ((await call(worker, 'GET', '/admin/v3/sinks/builtinsinks')).body as { name: string }[]).map(({ name }) => name)
    expect(await version()).toEqual(['probe'])
    writeFileSync(place.path('probe.tgz'), probe('2.0.0', 'the second probe'))
    expect(await call(worker, 'POST', '/admin/v3/sinks/reloadBuiltInSinks')).toMatchObject(DONE)
    expect(await call(worker, 'POST', `${SINK}/restart`)).toMatchObject(DONE)
    await eventually(() => place.logs.some(({ message }) => message === 'the second probe'), 'the new code runs')
  })

  it('are told in the audit trail, without secrets', async () => {
    const worker = await place.worker()
    const configs = { file: place.path('out'), password: 'hunter2' }
    await call(worker, 'POST', SINK, place.sink({ configs }), { 'x-request-id': 'request-1' })
    await call(worker, 'POST', `${SINK}/stop`)
    await call(worker, 'DELETE', SINK)
    const client = await openMessaging({ url: `embedded:${place.path('data')}` })
    const reader = await client.createReader({ topic: 'public/functions/audit' })
    const messages = await reader.read({ maxMessages: 10, timeoutMs: 1_000 })
    const texts = messages.map(({ payload }) => Buffer.from(payload ?? []).toString())
    await client.close()
    expect(texts.join('\n')).not.toContain('hunter2')
    expect(texts.map(text => JSON.parse(text))).toMatchObject([
      {
        who: 'anonymous',
        action: 'create',
        fqn: 'public/default/s',
        version: 1,
        requestId: 'request-1',
        config: { configs: { password: '***' } },
      },
      { action: 'stop', version: 2 },
      { action: 'delete', version: 2 },
    ])
  })

  it('keep a secret that comes back hidden', async () => {
    const worker = await place.worker()
    const configs = { file: place.path('out'), password: 'hunter2' }
    await call(worker, 'POST', SINK, place.sink({ configs }))
    const shown = (await call(worker, 'GET', SINK)).body as { configs: object }
    expect(shown.configs).toEqual({ file: place.path('out'), password: '***' })
    expect(await call(worker, 'PUT', SINK, { ...shown, parallelism: 2 })).toMatchObject(DONE)
    const client = await openMessaging({ url: `embedded:${place.path('data')}` })
    const store = await client.openStore('public/functions/connectors')
    const stored = JSON.parse(Buffer.from((await store.get('connector/public/default/s')) ?? []).toString())
    await client.close()
    expect(stored.config).toMatchObject({ parallelism: 2, configs: { password: 'hunter2' } })
    const invented = await call(
      worker,
      'POST',
      '/admin/v3/sinks/public/default/t',
      place.sink({ configs: { file: 'x', password: '***' } }),
    )
    expect(invented).toMatchObject({ status: 400, body: { reason: expect.stringContaining('configs.password') } })
  })
})
