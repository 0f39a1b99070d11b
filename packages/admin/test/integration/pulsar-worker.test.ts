import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { javaConnector, service } from '../../../../tooling/services/index.ts'
import { type Admin, createAdmin, isAdminError, untilRunning } from '../../src/index.ts'

const pulsar = await service('pulsar-functions')
const nar = await javaConnector('data-generator')

/** Pulsar's own worker, with a connector in Java. */
describe.skipIf(!pulsar.available || !nar.available)("Pulsar's own worker", () => {
  const name = `admin-${process.pid}`
  let admin: Admin
  let archive: string

  beforeAll(() => {
    if (!pulsar.available || !nar.available) return
    admin = createAdmin({ url: pulsar.adminUrl })
    archive = nar.path
  })
  afterAll(async () => {
    for (const api of [admin?.sinks, admin?.sources]) {
      await api?.delete(name).catch((error: unknown) => {
        // Mostly it is gone, which is what the tests are about.
        if (!isAdminError(error)) throw error
      })
    }
  })

  const reasonOf = async (promise: Promise<unknown>) => {
    const error = await promise.then(
      () => undefined,
      (each: unknown) => each,
    )
    if (!isAdminError(error)) throw new Error(`no AdminError: ${error}`)
    return [error.status, error.reason]
  }

  it('takes a source from create to delete', async () => {
    const topicName = `persistent://public/default/${name}`
    const config = { name, topicName, configs: { sleepBetweenMessages: 50 } }
    await admin.sources.create(config, { archive })
    await untilRunning(admin.sources, name)
    expect(await admin.sources.list()).toContain(name)
    expect(await admin.sources.get(name)).toMatchObject({
      ...config,
      className: 'org.apache.pulsar.io.datagenerator.DataGeneratorSource',
      parallelism: 1,
      processingGuarantees: 'ATLEAST_ONCE',
    })
    expect(await admin.sources.status(name, 0)).toMatchObject({ running: true, error: '' })

    await admin.sources.update({ name, parallelism: 2 })
    await untilRunning(admin.sources, name)
    expect((await admin.sources.get(name)).configs).toEqual(config.configs)
    expect(await reasonOf(admin.sources.update({ name, parallelism: 2 }))).toEqual([400, 'Update contains no change'])
    // With the archive there is something to update.
    await admin.sources.update({ name }, { archive })
    expect(Object.values(await admin.worker.assignments()).flat()).toContain(`public/default/${name}:0`)

    await admin.sources.stop(name)
    await expect.poll(async () => (await admin.sources.status(name)).numRunning, { timeout: 30_000 }).toBe(0)
    await admin.sources.start(name, 1)
    await expect.poll(async () => (await admin.sources.status(name)).numRunning, { timeout: 30_000 }).toBe(1)
    await admin.sources.restart(name)

    await admin.sources.delete(name)
    expect(await reasonOf(admin.sources.get(name))).toEqual([404, `Source ${name} doesn't exist`])
  })

  it('takes a sink', async () => {
    await admin.sinks.create({ name, inputs: [`${name}-in`], retainOrdering: true }, { archive })
    await untilRunning(admin.sinks, name)
    expect(await admin.sinks.describe(name)).toMatchObject({
      config: { retainOrdering: true },
      archiveSha256: undefined,
    })
    expect((await admin.sinks.status(name)).instances[0]?.status).toMatchObject({ numWrittenToSink: 0 })
    expect(await reasonOf(admin.sinks.create({ name, inputs: ['a'] }, { archive }))).toEqual([
      400,
      `Sink ${name} already exists`,
    ])
    await admin.sinks.delete(name)
  })

  it('refuses, and says why', async () => {
    expect(await reasonOf(admin.sinks.create({ name }))).toEqual([400, 'Sink package is not provided'])
    const missing = admin.sinks.create({ name, inputs: ['a'] }, { archive: 'builtin://nope' })
    expect(await reasonOf(missing)).toEqual([400, 'Built-in sink is not available'])
    const elsewhere = admin.sinks.create({ name, tenant: 'nobody', inputs: ['a'] }, { archive })
    expect(await reasonOf(elsewhere)).toEqual([400, 'Tenant does not exist'])
    expect((await reasonOf(admin.sinks.logs(name, 0)))[0]).toBe(404)
  })

  it('knows the workers', async () => {
    const [worker] = await admin.worker.cluster()
    expect(await admin.worker.leader()).toEqual(worker)
    expect(worker?.port).toBe(Number(new URL(admin.url).port))
    await admin.sinks.reload()
    expect(await admin.sinks.available()).toBeInstanceOf(Array)
  })
})
