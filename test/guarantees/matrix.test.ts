import { randomInt } from 'node:crypto'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { random, tally } from '../support/records.ts'
import { SearchServer } from '../support/search-server.ts'
import { workspace } from '../support/workspace.ts'
import { type Flow, fileToTopic, topicToElasticsearch, topicToFile } from './flows.ts'
import { interrupt } from './interrupt.ts'

/** More interruptions for a longer look: `GUARANTEE_KILLS=50`. A failure prints the seed; `GUARANTEE_SEED` repeats it. */
const KILLS = Number(process.env.GUARANTEE_KILLS ?? 4)
const SEED = Number(process.env.GUARANTEE_SEED ?? randomInt(2 ** 31))
const STOPS = 2
const TIMEOUT = 60_000 + KILLS * 10_000

const es = await service('elasticsearch')

const guarantees = ['ATMOST_ONCE', 'ATLEAST_ONCE', 'EFFECTIVELY_ONCE'] as const
type Guarantee = (typeof guarantees)[number]

const flows: readonly (readonly [string, () => Flow])[] = [
  ['file source → topic', () => fileToTopic(60_000)],
  ['topic → file sink', () => topicToFile(20_000)],
  ...(es.available
    ? [
        [
          'topic → Elasticsearch',
          () => topicToElasticsearch(10_000, new SearchServer(es), uniqueName('matrix')),
        ] as const,
      ]
    : []),
]

describe.each(flows)('%s', (_, makeFlow) => {
  describe.each(guarantees)('%s', guarantee => {
    it('loses, repeats and reorders nothing when nothing happens', { timeout: TIMEOUT }, async () => {
      const user = await workspace()
      const flow = makeFlow()
      await flow.prepare(user)
      const { end } = await interrupt(user, flow, guarantee, 'SIGTERM', 0, random(SEED))
      expect(end).toMatchObject({ code: 0, summary: { recordsIn: flow.records, recordsOut: flow.records } })
      expect(short(tally(await flow.arrived(user), flow.records))).toEqual(nothing)
    })

    it(`keeps its promise through ${KILLS} kill -9`, { timeout: TIMEOUT }, async () => {
      const user = await workspace()
      const flow = makeFlow()
      await flow.prepare(user)
      const { at, end } = await interrupt(user, flow, guarantee, 'SIGKILL', KILLS, random(SEED))
      const about = `seed ${SEED}, killed at ${at.join(', ')}`
      expect(end.code, `${about}\n${end.stderr}`).toBe(0)
      expect(
        at.some(n => n > 0 && n < flow.records),
        `no kill hit the middle: ${about}`,
      ).toBe(true)
      expectPromise(guarantee, flow, await flow.arrived(user), about)
    })

    it('loses, repeats and reorders nothing through orderly restarts', { timeout: TIMEOUT }, async () => {
      const user = await workspace()
      const flow = makeFlow()
      await flow.prepare(user)
      const { at, end, stopped } = await interrupt(user, flow, guarantee, 'SIGTERM', STOPS, random(SEED))
      const about = `seed ${SEED}, stopped at ${at.join(', ')}`
      for (const each of [...stopped, end]) expect(each.code, `${about}\n${each.stderr}`).toBe(0)
      expect(short(tally(await flow.arrived(user), flow.records)), about).toEqual(nothing)
      const written = [...stopped, end].map(each => each.summary?.recordsOut ?? Number.NaN)
      expect(
        written.reduce((sum, n) => sum + n, 0),
        `${about}, summaries say ${written.join(' + ')}`,
      ).toBe(flow.records)
    })
  })
})

const nothing = { lost: 0, duplicated: 0, reordered: 0, alien: 0 }

/** Numbers instead of lists: a failure that prints 60,000 numbers helps nobody. */
function short({ lost, duplicated, reordered, alien }: ReturnType<typeof tally>) {
  return { lost: lost.length, duplicated: duplicated.length, reordered: reordered.length, alien: alien.length }
}

/** What may not happen after a process was killed. */
function expectPromise(guarantee: Guarantee, flow: Flow, arrived: readonly unknown[], about: string): void {
  const found = short(tally(arrived, flow.records))
  if (guarantee === 'EFFECTIVELY_ONCE') expect(found, about).toEqual(nothing)
  if (guarantee === 'ATLEAST_ONCE') expect(found, about).toMatchObject({ lost: 0, alien: 0 })
  if (guarantee === 'ATMOST_ONCE') expect(found, about).toMatchObject({ duplicated: 0, alien: 0 })
  if (flow.overwrites && guarantee !== 'ATMOST_ONCE') expect(found, about).toEqual(nothing)
}
