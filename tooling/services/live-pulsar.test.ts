import { afterAll, describe, expect, it } from 'vitest'
import { service } from './index.ts'
import { withSettings } from './servers/pulsar-home.ts'

const dedicated = await service('pulsar', { dedicated: true })

afterAll(async () => {
  if (dedicated.available) await dedicated.close()
})

describe('the settings of a standalone', () => {
  it('replace what is there, add what is not, leave comments', () => {
    const released = '# a=1\na=0\nb.c=\nd=4\n'
    expect(withSettings(released, { a: '1', 'b.c': '2', e: '5' })).toBe('# a=1\na=1\nb.c=2\nd=4\n\ne=5\n')
  })
})

describe.skipIf(!dedicated.available)('a dedicated pulsar', () => {
  it('keeps its addresses and topics over a crash', async () => {
    if (!dedicated.available) return
    const topics = `${dedicated.adminUrl}/admin/v2/persistent/public/default`
    expect((await fetch(`${topics}/kept`, { method: 'PUT' })).status).toBe(204)
    await dedicated.kill()
    await expect(fetch(topics)).rejects.toThrow()
    await dedicated.start()
    expect(await (await fetch(topics)).json()).toEqual(['persistent://public/default/kept'])
  }, 120_000)

  it('has a transaction coordinator and policies per topic', async () => {
    if (!dedicated.available) return
    const settings = await fetch(`${dedicated.adminUrl}/admin/v2/brokers/configuration/runtime`)
    expect(await settings.json()).toMatchObject({
      transactionCoordinatorEnabled: 'true',
      topicLevelPoliciesEnabled: 'true',
      brokerDeduplicationEnabled: 'false',
    })
  })
})
