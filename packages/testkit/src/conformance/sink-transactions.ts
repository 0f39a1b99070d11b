import { comparePositions, isConnectorError, type PartitionCheckpoint, type Record } from '@pulsar-io/sdk'
import { expect } from 'vitest'
import { noNetwork } from './faults-needed.ts'
import { type Item, items, shown } from './item.ts'
import { attempt, CUTS } from './sink-attempt.ts'
import { effectOf, type SinkConformanceOptions } from './sink-options.ts'
import { checkpointOf, type SinkClause } from './sink-run.ts'

/** Records and how far they go are one: what EFFECTIVELY_ONCE rests on. */
export const sinkTransactions: readonly SinkClause[] = [
  {
    id: 'SINK-40',
    title: 'says of a new target that nothing is in it',
    lacks: notTransactional,
    run: async run => {
      const sink = await run.open()
      expect(await sink.committed()).toEqual([])
    },
  },
  {
    id: 'SINK-41',
    title: 'tells the next instance how far it got, in each partition of each topic',
    lacks: notTransactional,
    run: async run => {
      const first = await run.open()
      const records = run
        .records(items(40))
        .map((record, i) => ({ ...record, topic: `${record.topic}-${i % 2}`, partition: i % 4 < 2 ? 0 : 3 }))
      await first.writeAll(records.slice(0, 20))
      await first.writeAll(records.slice(20))
      await first.close()
      const second = await run.open()
      expect(sorted(await second.committed())).toEqual(sorted(checkpointOf(records)))
    },
  },
  {
    id: 'SINK-42',
    title: 'stores neither records nor checkpoint of a batch with a record that is rejected',
    lacks: options => notTransactional(options) ?? (options.poison ? undefined : 'it takes whatever it gets'),
    run: async run => {
      const [bad, ...good] = items(10)
      const sink = await run.open()
      const poison = run.options.poison
      const records = [...run.records(good), ...(bad && poison ? run.records([bad], item => poison(item)) : [])]
      const outcomes = await run.within(sink.write(records), 'write')
      expect(outcomes.filter(outcome => outcome !== undefined)).toHaveLength(1)
      await sink.close()
      const next = await run.open()
      expect(await next.committed()).toEqual([])
      await run.expectStored([])
    },
  },
  {
    id: 'SINK-43',
    title: 'has all of a batch or nothing of it when the connection is cut in the middle',
    lacks: options => notTransactional(options) ?? noNetwork(options),
    run: async run => {
      const kept: (Item & { readonly record: Record })[] = []
      for (const bytes of CUTS) {
        const some = items(200, `cut-${bytes}`, id => `${id} ${'x'.repeat(200)}`)
        const records = run.records(some)
        const sink = await run.reopen()
        await run.faults.cutNext(bytes)
        const outcomes = await run.within(attempt(run, sink, records), 'write over a connection that is cut')
        await run.within(sink.close(), 'close')
        await run.faults.restore()
        const next = await run.reopen()
        const stored = (await run.stored()).length - kept.length
        expect([0, some.length], `stored when cut after ${bytes} bytes`).toContain(stored)
        if (outcomes.every(outcome => outcome === undefined)) expect(stored).toBe(some.length)
        const covered = checkpointOf(stored === 0 ? kept.map(({ record }) => record) : records)
        expect(sorted(await next.committed())).toEqual(sorted(covered))
        await next.writeAll(records)
        kept.push(...some.map((item, at) => ({ ...item, record: records[at] as Record })))
        await run.expectStored(kept)
        await next.close()
      }
    },
  },
  {
    id: 'SINK-44',
    title: 'lets an instance that was replaced write no more',
    lacks: options => notTransactional(options) ?? (options.capabilities.fenced ? undefined : 'it does not claim it'),
    run: async run => {
      const [before, late, after] = [items(5, 'before'), items(5, 'late'), items(5, 'after')]
      const old = await run.open()
      await old.writeAll(run.records(before))
      const lateRecords = run.records(late)
      const next = await run.open().catch((error: unknown) => {
        // A lock that keeps the next one out until the old one is gone is as good.
        if (!isConnectorError(error)) throw error
        run.note(error)
        return undefined
      })
      if (!next) return
      await run.failure(
        old.write(lateRecords).then(outcomes => {
          const [error] = outcomes
          if (error) throw error
        }),
        'write by the instance that was replaced',
      )
      await next.writeAll(run.records(after))
      const stored = shown(await run.stored(), false)
      expect(stored).toEqual(shown([...before, ...after], false))
    },
  },
]

function notTransactional(options: SinkConformanceOptions): string | undefined {
  const effect = effectOf(options)
  return effect === 'transactional' ? undefined : `its delivery is ${effect}`
}

function sorted(checkpoint: readonly PartitionCheckpoint[]): PartitionCheckpoint[] {
  return [...checkpoint].sort(
    (a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition || comparePositions(a.position, b.position),
  )
}
