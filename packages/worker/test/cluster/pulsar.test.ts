import { randomUUID } from 'node:crypto'
import { describe, it } from 'vitest'
import { service } from '../../../../tooling/services/index.ts'
import { seed, torment } from './process/torment.ts'

const broker = await service('pulsar')

describe.skipIf(!broker.available)('three worker processes on a Pulsar cluster', () => {
  it(`run each instance once, whoever dies or stands still (PIO_SEED=${seed})`, async () => {
    if (!broker.available) throw new Error(broker.reason)
    const { url, adminUrl } = broker
    const namespace = `public/test-${randomUUID().slice(0, 8)}`
    const made = await fetch(`${adminUrl}/admin/v2/namespaces/${namespace}`, { method: 'PUT' })
    if (!made.ok) throw new Error(`no namespace: ${made.status} ${await made.text()}`)
    const messaging = { url, ...(adminUrl === undefined ? {} : { adminUrl }) }
    await torment({ messaging, namespace, leaseMs: 4_000, instances: 6 }, 8)
  }, 600_000)
})
