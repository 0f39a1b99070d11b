import { randomInt } from 'node:crypto'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { pulsar } from '../support/pulsar.ts'
import { random, tally } from '../support/records.ts'
import { SearchServer } from '../support/search-server.ts'
import { workspace } from '../support/workspace.ts'
import { drive } from './drive.ts'
import { disturbancesOf, kill, restart } from './faults.ts'
import { type Flow, fileToTopic, topicToElasticsearch, topicToFile } from './flows.ts'
import { guarantees } from './guarantee.ts'
import { inEmbeddedLog, onPulsar } from './place.ts'
import { judge } from './scenario.ts'

/** More interruptions for a longer look: `GUARANTEE_KILLS=50`. A failure prints the seed; `GUARANTEE_SEED` repeats it. */
const KILLS = Number(process.env.GUARANTEE_KILLS ?? 4)
const SEED = Number(process.env.GUARANTEE_SEED ?? randomInt(2 ** 31))
const STOPS = 2
const TIMEOUT = 120_000 + KILLS * 15_000

const es = await service('elasticsearch')
const cluster = pulsar.available ? pulsar : undefined

const flows: readonly (readonly [string, () => Promise<Flow>])[] = [
  ['embedded: file source → topic', async () => fileToTopic(60_000, await inEmbeddedLog())],
  ['embedded: topic → file sink', async () => topicToFile(20_000, await inEmbeddedLog())],
  ...(es.available
    ? [
        [
          'embedded: topic → Elasticsearch',
          async () => topicToElasticsearch(10_000, await inEmbeddedLog(), new SearchServer(es), uniqueName('matrix')),
        ] as const,
      ]
    : []),
  ...(cluster !== undefined
    ? [
        ['Pulsar: file source → topic', async () => fileToTopic(200_000, await onPulsar(cluster))] as const,
        ['Pulsar: topic → file sink', async () => topicToFile(20_000, await onPulsar(cluster))] as const,
      ]
    : []),
]

describe.each(flows)('%s', (name, makeFlow) => {
  describe.each(guarantees)('%s', guarantee => {
    it('loses, repeats and reorders nothing when nothing happens', { timeout: TIMEOUT }, async () => {
      const user = await workspace()
      const flow = await makeFlow()
      await flow.prepare(user)
      const { end } = await drive(user, flow, guarantee, { fault: restart, times: 0, random: random(SEED) })
      expect(end).toMatchObject({
        code: 0,
        summary: {
          recordsIn: flow.records + (flow.poison ?? 0),
          recordsOut: flow.records,
          deadLettered: flow.poison ?? 0,
        },
      })
      expect(tally(await flow.arrived(user), flow.records)).toEqual({
        lost: [],
        duplicated: [],
        reordered: [],
        alien: [],
      })
    })

    it(`keeps its promise through ${KILLS} kill -9`, { timeout: TIMEOUT }, async () => {
      const { broken, about } = await judge(await workspace(), await makeFlow(), guarantee, kill, {
        times: KILLS,
        seed: SEED,
      })
      expect(broken, about).toEqual([])
    })

    it('loses, repeats and reorders nothing through orderly restarts', { timeout: TIMEOUT }, async () => {
      const user = await workspace()
      const flow = await makeFlow()
      const { broken, about } = await judge(user, flow, guarantee, restart, { times: STOPS, seed: SEED })
      expect(broken, about).toEqual([])
    })

    it.runIf(name.startsWith('Pulsar'))(
      'keeps its promise when the topic is unloaded',
      { timeout: TIMEOUT },
      async () => {
        const flow = await makeFlow()
        const unload = disturbancesOf(flow.place, guarantee).find(each => each.name === 'topic unload')
        if (unload === undefined) throw new Error('topics of Pulsar can be unloaded')
        const { broken, about } = await judge(await workspace(), flow, guarantee, unload, { times: STOPS, seed: SEED })
        expect(broken, about).toEqual([])
      },
    )
  })
})
