import { expect } from 'vitest'
import { items, shown, UNICODE_TEXTS } from './item.ts'
import type { SinkClause, SinkRun } from './sink-run.ts'

/** Everything that a record can carry arrives. */
export const sinkWriting: readonly SinkClause[] = [
  {
    id: 'SINK-10',
    title: 'writes one record',
    run: run => roundTrip(run, items(1)),
  },
  {
    id: 'SINK-11',
    title: 'writes batches whole, one after the other',
    run: async run => {
      const all = items(250)
      const sink = await run.open()
      for (const [from, to] of [
        [0, 100],
        [100, 101],
        [101, 250],
      ])
        await sink.writeAll(run.records(all.slice(from, to)))
      await run.expectStored(all)
    },
  },
  {
    id: 'SINK-12',
    title: 'writes as many batches at the same time as it asks for',
    run: async run => {
      const { definition } = run.options
      const atOnce = definition.batchPolicy(run.config()).maxInFlight ?? 1
      const sink = await run.open()
      const batches = Array.from({ length: Math.min(atOnce, 8) }, (_, i) => items(20, `batch${i}`))
      await Promise.all(batches.map(batch => sink.writeAll(run.records(batch))))
      expect(shown(await run.stored(), false)).toEqual(shown(batches.flat(), false))
    },
  },
  {
    id: 'SINK-13',
    title: 'keeps every character of a text',
    run: run =>
      roundTrip(
        run,
        items(UNICODE_TEXTS.length).map(({ id }, i) => ({ id, text: UNICODE_TEXTS[i] ?? '' })),
      ),
  },
  {
    id: 'SINK-14',
    title: 'keeps an empty text',
    run: run => roundTrip(run, [{ id: 'empty', text: '' }, ...items(1)]),
  },
  {
    id: 'SINK-15',
    title: 'keeps a large text',
    run: run => {
      const text = 'ä123456789'.repeat(Math.ceil((run.options.largeTextLength ?? 1024 * 1024) / 10))
      return roundTrip(run, [...items(2), { id: 'large', text }, ...items(2, 'z')])
    },
  },
  {
    id: 'SINK-16',
    title: 'keeps the key',
    lacks: ({ capabilities }) => (capabilities.keys ? undefined : 'keys are not stored'),
    run: async run => {
      const keys = ['plain', 'a/b c', 'grüße 🙂', 'k'.repeat(200)]
      const some = items(keys.length)
      const records = run.records(some).map((record, i) => ({ ...record, key: keys[i] }))
      await (await run.open()).writeAll(records)
      const stored = await run.stored()
      expect(some.map(({ id }) => stored.find(item => item.id === id)?.key)).toEqual(keys)
    },
  },
  {
    id: 'SINK-17',
    title: 'keeps properties',
    lacks: ({ capabilities }) => (capabilities.properties ? undefined : 'properties are not stored'),
    run: async run => {
      const properties = { plain: 'value', empty: '', 'with-dash': 'grüße 🙂' }
      const some = items(2)
      const records = run.records(some).map((record, i) => (i === 0 ? { ...record, properties } : record))
      await (await run.open()).writeAll(records)
      expect((await run.stored()).find(({ id }) => id === some[0]?.id)?.properties).toMatchObject(properties)
    },
  },
  {
    id: 'SINK-18',
    title: 'does with a record without a value what it says it does',
    lacks: ({ capabilities }) => (capabilities.tombstone ? undefined : 'it says nothing of records without a value'),
    run: async run => {
      const { tombstone } = run.options.capabilities
      if (!tombstone) throw new Error('no tombstone is claimed')
      const some = items(3)
      const [, gone] = some
      const sink = await run.open({ config: tombstone.config })
      await sink.writeAll(run.records(some))
      const before = await run.stored()
      const records = run.records(gone ? [gone] : []).map(record => ({ ...record, value: null }))
      const [outcome] = await run.within(sink.write(records), 'write of a tombstone')
      expect(outcome === undefined ? undefined : 'rejected').toBe(
        tombstone.effect === 'rejected' ? 'rejected' : undefined,
      )
      const after = (await run.stored()).length - before.length
      expect(after).toBe({ deletes: -1, ignored: 0, rejected: 0, stored: 1 }[tombstone.effect])
      if (tombstone.effect === 'deletes') await run.expectStored(some.filter(item => item !== gone))
    },
  },
  {
    id: 'SINK-19',
    title: 'replaces the record of the same key, also within a batch',
    lacks: ({ capabilities }) => (capabilities.upsert ? undefined : 'it keeps every record'),
    run: async run => {
      const sink = await run.open({ config: run.options.capabilities.upsert })
      const [a = { id: '', text: '' }, b = a] = items(2)
      await sink.writeAll(run.records([a, b, { ...a, text: 'second' }]))
      await sink.writeAll(run.records([{ ...b, text: 'second' }]))
      const want = [a, b].map(({ id }) => ({ id, text: 'second' }))
      expect(shown(await run.stored(), false)).toEqual(shown(want, false))
    },
  },
]

async function roundTrip(run: SinkRun, list: Parameters<SinkRun['records']>[0]): Promise<void> {
  const sink = await run.open()
  await sink.writeAll(run.records(list))
  await run.expectStored(list)
}
