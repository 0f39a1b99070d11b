import type { Outcome, Record } from '@pulsar-io/sdk'
import { expect } from 'vitest'
import { noNetwork, noOutage } from './faults-needed.ts'
import { type Item, items } from './item.ts'
import { pause } from './resources.ts'
import { expectMeaning } from './run.ts'
import { attempt, CUTS } from './sink-attempt.ts'
import type { SinkClause, SinkInstance, SinkRun } from './sink-run.ts'

/** A connection that breaks or hangs costs nothing but time; an end comes at any moment. */
export const sinkFaults: readonly SinkClause[] = [
  {
    id: 'SINK-50',
    title: 'says that the system is away, and loses nothing of the batch that is written again',
    lacks: noOutage,
    run: async run => {
      const [before, during] = [items(20, 'before'), items(20, 'during')]
      const sink = await run.open()
      await sink.writeAll(run.records(before))
      await run.faults.interrupt()
      const records = run.records(during)
      await expectAway(run, sink, records)
      await run.within(sink.close(), 'close while the system is away')
      await run.faults.restore()
      await (await run.reopen()).writeAll(records)
      await run.expectKept([...before, ...during])
    },
  },
  {
    id: 'SINK-51',
    title: 'loses nothing of a batch whose connection is cut in the middle',
    lacks: noNetwork,
    run: async run => {
      const kept: Item[] = []
      for (const bytes of CUTS) {
        const some = items(200, `cut-${bytes}`, id => `${id} ${'x'.repeat(200)}`)
        const records = run.records(some)
        const sink = await run.reopen()
        await run.faults.cutNext(bytes)
        const outcomes = await run.within(attempt(run, sink, records), 'write over a connection that is cut')
        for (const outcome of outcomes) if (outcome) expectMeaning(outcome, 'reconnect', 'retry')
        await run.within(sink.close(), 'close')
        await run.faults.restore()
        const open = records.filter((_, at) => outcomes[at] !== undefined)
        const next = await run.reopen()
        if (open.length > 0) await next.writeAll(open)
        kept.push(...some)
        await run.expectKept(kept)
        await next.close()
      }
    },
  },
  {
    id: 'SINK-52',
    title: 'ends a write that nobody waits for any more, although the system is silent',
    lacks: noNetwork,
    run: async run => {
      const sink = await run.open()
      const some = items(20)
      const records = run.records(some)
      await run.faults.stall()
      const abandoned = new AbortController()
      const writing = attempt(run, sink, records, abandoned.signal)
      await pause(50)
      abandoned.abort()
      sink.context.stop()
      await run.within(writing, 'write that was given up')
      await run.within(sink.close(), 'close after it')
    },
  },
  {
    id: 'SINK-53',
    title: 'can be closed during a write, and the batch that is written again is whole',
    run: async run => {
      const all = items(100)
      const records = run.records(all)
      let outcomes: readonly Outcome[] = []
      await run.leavesNothing(async () => {
        const sink = await run.open()
        const writing = attempt(run, sink, records)
        await run.within(sink.close(), 'close during a write')
        outcomes = await run.within(writing, 'write during which the sink was closed')
      })
      const open = records.filter((_, at) => outcomes[at] !== undefined)
      const next = await run.reopen()
      if (open.length > 0) await next.writeAll(open)
      await run.expectKept(all)
    },
  },
  {
    id: 'SINK-54',
    title: 'goes on when the connection was cut while it was idle',
    lacks: noOutage,
    run: async run => {
      const [before, after] = [items(5, 'before'), items(5, 'after')]
      let sink = await run.open()
      await sink.writeAll(run.records(before))
      await run.faults.interrupt()
      await run.faults.restore()
      let records = run.records(after)
      await run.until(
        async () => {
          const outcomes = await attempt(run, sink, records)
          for (const outcome of outcomes) if (outcome) expectMeaning(outcome, 'reconnect', 'retry')
          records = records.filter((_, at) => outcomes[at] !== undefined)
          if (records.length > 0) {
            await sink.close()
            sink = await run.reopen()
          }
          return records.length
        },
        open => open === 0,
      )
      expect(records).toEqual([])
      await run.expectKept([...before, ...after])
    },
  },
  {
    id: 'SINK-60',
    title: 'shows no secret in a log, a status or an error',
    run: async run => {
      // Every clause ends with this look; here are the ways that lead to most of what is said.
      const sink = await run.open()
      await sink.writeAll(run.records(items(3)))
      const { poison } = run.options
      if (poison) await sink.write(run.records(items(1, 'bad'), item => poison(item)))
      if (run.options.capabilities.faults !== 'none') {
        await run.faults.interrupt()
        await attempt(run, sink, run.records(items(3, 'away')))
      }
      await sink.close()
      if (run.options.capabilities.faults !== 'none') await run.failure(run.open(), 'open while the system is away')
    },
  },
]

/** The first write may still go into a socket of which nobody knows yet that it is dead, but never be confirmed. */
async function expectAway(run: SinkRun, sink: SinkInstance, records: readonly Record[]): Promise<void> {
  const outcomes = await run.within(attempt(run, sink, records), 'write while the system is away')
  expect(outcomes.filter(outcome => outcome === undefined)).toHaveLength(0)
  for (const outcome of outcomes) expectMeaning(outcome, 'reconnect', 'retry')
}
