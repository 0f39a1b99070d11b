import { expect } from 'vitest'
import { noNetwork, noOutage } from './faults-needed.ts'
import { items } from './item.ts'
import { pause } from './resources.ts'
import type { SourceConformanceOptions } from './source-options.ts'
import { type SourceClause, type SourceRun, takeThrough } from './source-run.ts'

/** How far it got outlives the instance, the process and the connection. */
export const sourceProgress: readonly SourceClause[] = [
  {
    id: 'SRC-30',
    title: 'moves on in the external system once a record is published',
    lacks: noAcks,
    run: async run => {
      const all = items(30)
      await run.write(all.slice(0, 20))
      const first = await run.open()
      await first.publish(await first.take(20))
      await run.within(first.close(), 'close')
      run.offsets.clear()
      const second = await run.open()
      await run.write(all.slice(20))
      expect(run.shown(await second.take(10))).toEqual(run.lines(all.slice(20)))
      expect(await second.unexpected()).toEqual([])
    },
  },
  {
    id: 'SRC-31',
    title: 'gets again what was not published when it ended',
    lacks: noAcks,
    run: async run => {
      const all = items(30)
      await run.write(all)
      const first = await run.open()
      const records = await first.take(30)
      await first.publish(records.slice(0, 10))
      await run.within(first.close(), 'close')
      run.offsets.clear()
      const published = new Set(run.shown(records.slice(0, 10)))
      const rest = all.filter(item => !published.has(run.lines([item])[0] ?? ''))
      await takeThrough(run, await run.open(), rest)
    },
  },
  {
    id: 'SRC-32',
    title: 'gets a record again that was not published although a later one was',
    lacks: noAcks,
    run: async run => {
      const all = items(10)
      await run.write(all)
      const first = await run.open()
      const records = await first.take(10)
      const open = records[2]
      await first.publish(records.filter(record => record !== open))
      await run.within(first.close(), 'close')
      run.offsets.clear()
      await takeThrough(run, await run.open(), open ? [run.item(open)] : [])
    },
  },
  {
    id: 'SRC-33',
    title: 'goes on behind the offset of the last published record',
    lacks: notReplayable,
    run: async run => {
      const all = items(40)
      await run.write(all.slice(0, 30))
      const first = await run.open()
      const records = await first.take(30)
      const published = records.slice(0, 12)
      await first.publish(published)
      await run.within(first.close(), 'close')
      const second = await run.open()
      await run.write(all.slice(30))
      const done = new Set(run.shown(published))
      const rest = all.filter(item => !done.has(run.lines([item])[0] ?? ''))
      expect(run.shown(await second.take(28))).toEqual(run.lines(rest))
      expect(await second.unexpected()).toEqual([])
    },
  },
  {
    id: 'SRC-34',
    title: 'numbers the records of a partition upwards, and the same record the same again',
    lacks: notReplayable,
    run: async run => {
      const all = items(30)
      await run.write(all)
      const first = await sequences(run)
      const second = await sequences(run)
      expect(second).toEqual(first)
    },
  },
  {
    id: 'SRC-40',
    title: 'goes on when the connection was lost, and loses nothing',
    lacks: noOutage,
    run: async run => {
      const [before, after] = [items(10, 'before'), items(10, 'after')]
      const source = await run.open()
      await run.write(before)
      await source.publish(await source.take(10))
      await run.faults.interrupt()
      await pause(run.quietMs)
      await run.faults.restore()
      await run.write(after)
      await takeThrough(run, source, after)
    },
  },
  {
    id: 'SRC-41',
    title: 'loses nothing when the connection is cut in the middle of what it gets',
    lacks: noNetwork,
    run: async run => {
      for (const bytes of [300, 10_000]) {
        const some = items(200, `cut-${bytes}`, id => `${id} ${'x'.repeat(200)}`)
        const source = await run.reopen()
        await run.faults.cutNext(bytes)
        await run.write(some)
        // The one that is open in the end would take a share of what the next is to get.
        await (await takeThrough(run, source, some)).close()
        await run.faults.restore()
      }
    },
  },
  {
    id: 'SRC-42',
    title: 'can be closed while the system is away, and leaves nothing behind',
    lacks: noOutage,
    run: run =>
      run.leavesNothing(async () => {
        const source = await run.open()
        await run.faults.interrupt()
        await pause(run.quietMs)
        await run.within(source.close(), 'close while the system is away')
      }),
  },
  {
    id: 'SRC-43',
    title: 'can be closed while the system is silent',
    lacks: noNetwork,
    run: async run => {
      const source = await run.open()
      await run.faults.stall()
      await run.within(source.close(), 'close while the system is silent')
    },
  },
  {
    id: 'SRC-60',
    title: 'shows no secret in a log, a status or an error',
    run: async run => {
      // Every clause ends with this look; here are the ways that lead to most of what is said.
      const source = await run.open()
      await run.write(items(3))
      await source.publish(await source.take(3))
      await run.poison()
      if (run.options.capabilities.faults === 'none') return
      await run.faults.interrupt()
      await source.unexpected().catch((error: unknown) => run.note(error))
      await source.close()
      await run.failure(run.open(), 'open while the system is away')
    },
  },
]

/** Place and number of each record, by item. */
async function sequences(run: SourceRun): Promise<Map<string, string>> {
  const source = await run.open()
  const records = await source.take(30)
  const last = new Map<string, bigint>()
  const found = new Map<string, string>()
  for (const record of records) {
    const { partitionId, sequence } = record
    if (partitionId === undefined || sequence === undefined)
      throw new Error('a replayable record needs partitionId and sequence')
    expect(sequence).toBeGreaterThan(last.get(partitionId) ?? -1n)
    last.set(partitionId, sequence)
    found.set(run.item(record).id, `${partitionId} ${sequence}`)
  }
  await source.close()
  return found
}

function noAcks({ capabilities }: SourceConformanceOptions): string | undefined {
  return capabilities.acks ? undefined : 'its system keeps no account of what was taken'
}

function notReplayable({ definition, capabilities }: SourceConformanceOptions): string | undefined {
  if (definition.delivery !== 'replayable') return `its delivery is ${definition.delivery}`
  return capabilities.readsEarlier ? undefined : 'it only listens'
}
