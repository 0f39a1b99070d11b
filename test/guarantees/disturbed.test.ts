import { randomInt } from 'node:crypto'
import { type TcpProxy, tcpProxy } from '@pulsar-io/testkit'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { brokerProxy, pulsar } from '../support/pulsar.ts'
import { SearchServer } from '../support/search-server.ts'
import { workspace } from '../support/workspace.ts'
import { connectionFaults, disturbancesOf, type Fault, inTurn, rescale } from './faults.ts'
import { type Flow, fileToTopic, topicToElasticsearch, topicToFile, topicToTopic } from './flows.ts'
import { type Guarantee, guarantees } from './guarantee.ts'
import { inEmbeddedLog, onPulsar } from './place.ts'
import { judge } from './scenario.ts'

/** A failure prints it; `GUARANTEE_SEED` repeats it. */
const SEED = Number(process.env.GUARANTEE_SEED ?? randomInt(2 ** 31))
const TIMEOUT = 180_000

const es = await service('elasticsearch')
const cluster = pulsar.available ? pulsar : undefined
// Only of one that was started here is it known that there is a listener for a proxy.
const proxied = cluster?.origin === 'local' ? cluster : undefined

async function keepsItsPromise(flow: Flow, guarantee: Guarantee, fault: Fault, times: number): Promise<void> {
  const { broken, about } = await judge(await workspace(), flow, guarantee, fault, { times, seed: SEED })
  expect(broken, about).toEqual([])
}

describe.skipIf(!proxied)('the connection to Pulsar is cut, slow, refused', { timeout: TIMEOUT }, () => {
  if (!proxied) return
  let proxy: TcpProxy
  beforeAll(async () => {
    proxy = await brokerProxy(proxied)
  })
  afterAll(() => proxy.close())

  describe.each([
    ['file source → topic', fileToTopic],
    ['topic → file sink', topicToFile],
  ] as const)('%s', (_, makeFlow) => {
    it.each(guarantees)('keeps its promise: %s', async guarantee => {
      const place = await onPulsar(proxied, { proxy })
      const faults = disturbancesOf(place, guarantee).filter(({ name }) => name.startsWith('connection'))
      await keepsItsPromise(makeFlow(50_000, place), guarantee, inTurn(faults), faults.length)
    })
  })
})

describe.skipIf(!cluster)('instances come and are killed', { timeout: TIMEOUT }, () => {
  if (!cluster) return
  it.each(guarantees)('the partitions go to and fro, and the promise is kept: %s', async guarantee => {
    const place = await onPulsar(cluster, { partitions: 3 })
    await keepsItsPromise(await topicToTopic(50_000, place, cluster), guarantee, rescale, 3)
  })
})

describe.skipIf(!es.available)(
  'the external system is slow, cut off, refuses connections',
  { timeout: TIMEOUT },
  () => {
    if (!es.available) return
    let proxy: TcpProxy
    beforeAll(async () => {
      proxy = await tcpProxy(es.url)
    })
    afterAll(() => proxy.close())

    describe.each([
      ['embedded', inEmbeddedLog],
      ...(cluster ? [['Pulsar', () => onPulsar(cluster)] as const] : []),
    ] as const)('%s', (_, makePlace) => {
      it.each(guarantees)('poisoned records become dead letters, and the promise is kept: %s', async guarantee => {
        const faults = connectionFaults('Elasticsearch', proxy)
        const [place, index] = [await makePlace(), uniqueName('disturbed')]
        const flow = topicToElasticsearch(5_000, place, new SearchServer(es), index, proxy.url)
        await keepsItsPromise(flow, guarantee, inTurn(faults), faults.length)
      })
    })
  },
)
