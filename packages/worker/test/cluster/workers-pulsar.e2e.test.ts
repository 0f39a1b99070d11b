import { randomUUID } from 'node:crypto'
import { describe, it } from 'vitest'
import { service } from '../../../../tooling/services/index.ts'
import { tormentPipelines } from './process/pipelines.ts'
import { seed } from './process/torment.ts'

const broker = await service('pulsar')
/** Kills; some thirty take ten minutes. */
const faults = Number(process.env.PIO_FAULTS ?? 4)

describe.skipIf(!broker.available)('three runtime workers on a Pulsar cluster', () => {
  it(`lose no record and write none twice, whoever dies (PIO_SEED=${seed})`, async () => {
    if (!broker.available) throw new Error(broker.reason)
    const { url, adminUrl = '' } = broker
    const namespace = `public/test-${randomUUID().slice(0, 8)}`
    const set = async (method: string, path: string, body?: unknown) => {
      const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
      const answer = await fetch(`${adminUrl}/admin/v2/namespaces/${namespace}${path}`, {
        method,
        ...(body === undefined ? {} : json),
      })
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    }
    await set('PUT', '')
    await set('POST', '/deduplication', true)
    const where = ['--broker-service-url', url, '--web-service-url', adminUrl, '--metadata-namespace', namespace]
    // A process that stands still stays the active consumer of its sinks until the broker misses it: no pauses here.
    await tormentPipelines({ flags: where, namespace, pauses: false }, faults)
  }, 900_000)
})
