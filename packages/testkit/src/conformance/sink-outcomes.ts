import type { Record } from '@pulsar-io/sdk'
import { expect } from 'vitest'
import { type Item, items } from './item.ts'
import { expectMeaning } from './run.ts'
import { effectOf, type RecordContent, type SinkConformanceOptions } from './sink-options.ts'
import { checkpointOf, type SinkClause, type SinkRun } from './sink-run.ts'

/** What becomes of records that cannot be written, of the others beside them, and of those that come again. */
export const sinkOutcomes: readonly SinkClause[] = [
  {
    id: 'SINK-20',
    title: 'names a record in the middle of a batch that can never be written, and it alone',
    lacks: ({ poison }) => (poison ? undefined : 'it takes whatever it gets'),
    run: run => amongOthers(run, run.options.poison, [20]),
  },
  {
    id: 'SINK-21',
    title: 'names each of several such records, also the first and the last',
    lacks: ({ poison }) => (poison ? undefined : 'it takes whatever it gets'),
    run: run => amongOthers(run, run.options.poison, [0, 7, 8, 39]),
  },
  {
    id: 'SINK-22',
    title: 'goes on after a batch of nothing else',
    lacks: ({ poison }) => (poison ? undefined : 'it takes whatever it gets'),
    run: run =>
      amongOthers(
        run,
        run.options.poison,
        Array.from({ length: 40 }, (_, i) => i),
      ),
  },
  {
    id: 'SINK-23',
    title: 'names a record that is too large for the system, and it alone',
    lacks: ({ tooLarge }) => (tooLarge ? undefined : 'the harness gives no record that is too large'),
    run: run => amongOthers(run, run.options.tooLarge, [20]),
  },
  {
    id: 'SINK-30',
    title: 'has the same effect when a batch is written twice',
    lacks: options =>
      effectOf(options) === 'transactional' ? 'the runtime leaves out what is committed' : notTwice(options),
    run: async run => {
      const some = items(50)
      const records = run.records(some)
      const sink = await run.open()
      await sink.writeAll(records)
      await sink.writeAll(records.map(again))
      await run.expectStored(some)
    },
  },
  {
    id: 'SINK-31',
    title: 'has the same effect when the next instance gets the records again in other batches',
    lacks: notTwice,
    run: async run => {
      const some = items(50)
      const records = run.records(some)
      const first = await run.open()
      await first.writeAll(records.slice(0, 30))
      await first.close()
      const second = await run.open()
      for (let from = 0; from < records.length; from += 20)
        await second.writeAll(records.slice(from, from + 20).map(again))
      await run.expectStored(some)
    },
  },
]

function notTwice(options: SinkConformanceOptions): string | undefined {
  return effectOf(options) === 'at-least-once' ? 'at-least-once may write a record twice' : undefined
}

function again(record: Record): Record {
  return { ...record, redeliveryCount: record.redeliveryCount + 1 }
}

/** Whether a batch is in as a whole or not at all. */
function isAtomic(options: SinkConformanceOptions): boolean {
  const { delivery, atomic } = options.definition
  return delivery === 'transactional' && (atomic !== 'effectively-once' || effectOf(options) === 'transactional')
}

async function amongOthers(
  run: SinkRun,
  bad: ((item: Item) => RecordContent) | undefined,
  places: readonly number[],
): Promise<void> {
  if (!bad) throw new Error('the harness gives no such record')
  const all = items(40)
  const isBad = (at: number) => places.includes(at)
  const records = all.flatMap((item, at) => (isBad(at) ? run.records([item], bad) : run.records([item])))
  const sink = await run.open()
  const outcomes = await run.within(sink.write(records), 'write')
  const failed = outcomes.flatMap((outcome, at) => (outcome ? [at] : []))
  expect(failed, 'places of the records that were rejected').toEqual(places)
  for (const at of failed) expectMeaning(outcomes[at], 'reject')
  const rest = records.filter((_, at) => !isBad(at))
  if (isAtomic(run.options)) {
    await run.expectStored([])
    // The runtime dead-letters what was named, and then hands over the rest with the checkpoint of the whole.
    if (rest.length > 0) await sink.writeAll(rest, { checkpoint: checkpointOf(records) })
  }
  const more = items(3, 'after')
  await sink.writeAll(run.records(more))
  await run.expectStored([...all.filter((_, at) => !isBad(at)), ...more])
}
