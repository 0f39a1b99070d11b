import type { SourceRecord } from '@pulsar-io/sdk'
import { expect } from 'vitest'
import { items, type StoredItem, UNICODE_TEXTS } from './item.ts'
import { pause } from './resources.ts'
import type { SourceClause, SourceRun } from './source-run.ts'

/** Everything that is in the system comes out, and waits where nobody takes it. */
export const sourceReading: readonly SourceClause[] = [
  {
    id: 'SRC-10',
    title: 'reads what was there before it was opened',
    lacks: ({ capabilities }) => (capabilities.readsEarlier ? undefined : 'it only listens'),
    run: async run => {
      const some = items(50)
      await run.write(some)
      const source = await run.open()
      expect(run.shown(await source.take(50))).toEqual(run.lines(some))
      expect(await source.unexpected()).toEqual([])
    },
  },
  {
    id: 'SRC-11',
    title: 'reads what comes while it is open, each once',
    run: async run => {
      const all = items(300)
      const source = await run.open()
      const got: SourceRecord[] = []
      for (const [from, to] of [
        [0, 1],
        [1, 100],
        [100, 300],
      ] as const) {
        await run.write(all.slice(from, to))
        const records = await source.take(to - from)
        await source.publish(records)
        got.push(...records)
      }
      expect(run.shown(got)).toEqual(run.lines(all))
      expect(await source.unexpected()).toEqual([])
    },
  },
  {
    id: 'SRC-12',
    title: 'keeps every character of a text',
    run: run => {
      const texts =
        run.options.capabilities.lineEnds === false ? UNICODE_TEXTS.filter(t => !/[\r\n]/.test(t)) : UNICODE_TEXTS
      return roundTrip(
        run,
        texts.map((text, i) => ({ id: `a-${i}`, text })),
      )
    },
  },
  {
    id: 'SRC-13',
    title: 'keeps an empty text',
    run: run => roundTrip(run, [{ id: 'empty', text: '' }, ...items(1)]),
  },
  {
    id: 'SRC-14',
    title: 'keeps a large text',
    run: run => {
      const text = 'ä123456789'.repeat(Math.ceil((run.options.largeTextLength ?? 1024 * 1024) / 10))
      return roundTrip(run, [...items(2), { id: 'large', text }, ...items(2, 'z')])
    },
  },
  {
    id: 'SRC-15',
    title: 'hands on the key',
    lacks: ({ capabilities }) => (capabilities.keys ? undefined : 'its records have no key'),
    run: async run => {
      const some = items(3).map((item, i) => ({ ...item, key: ['plain', 'a/b c', 'grüße 🙂'][i] }))
      const records = await roundTrip(run, some)
      for (const { id, key } of some) expect(records.find(record => run.item(record).id === id)?.key).toBe(key)
    },
  },
  {
    id: 'SRC-16',
    title: 'hands on properties',
    lacks: ({ capabilities }) => (capabilities.properties ? undefined : 'its records have no properties of the item'),
    run: async run => {
      const properties = { plain: 'value', 'with-dash': 'grüße 🙂' }
      const [record] = await roundTrip(
        run,
        items(1).map(item => ({ ...item, properties })),
      )
      expect(record?.properties).toMatchObject(properties)
    },
  },
  {
    id: 'SRC-17',
    title: 'hands on a deletion as a record without a value',
    lacks: ({ capabilities }) => (capabilities.tombstones ? undefined : 'its system has no deletions'),
    run: async run => {
      const source = await run.open()
      await run.write(items(1))
      await run.tombstone('a-0')
      const [, tombstone] = await source.take(2)
      expect(tombstone?.value).toBeNull()
    },
  },
  {
    id: 'SRC-18',
    title: 'reports input that it cannot read, and reads on',
    lacks: ({ capabilities }) => (capabilities.poison ? undefined : 'it takes whatever it gets'),
    run: async run => {
      const source = await run.open()
      const [before, after] = [items(2, 'before'), items(2, 'after')]
      await run.write(before)
      const first = await source.take(2)
      await source.publish(first)
      const said = () =>
        source.context.logger.entries.filter(({ level }) => level === 'warn' || level === 'error').length +
        source.context.recorded.length
      const quiet = said()
      await run.poison()
      await run.write(after)
      const rest = (await source.take(2)).map(record => run.item(record))
      expect(run.lines(rest)).toEqual(run.lines(after))
      expect(said(), 'warnings and metrics').toBeGreaterThan(quiet)
    },
  },
  {
    id: 'SRC-20',
    title: 'does not read ahead without bound while nobody takes its records',
    run: async run => {
      const { readAhead } = run.options.capabilities
      const source = await run.open({ blocked: true })
      const all = items(readAhead * 2 + 200, 'a', id => `${id} ${'x'.repeat(500)}`)
      const writing = run.write(all)
      const held = async () => Math.max(source.waiting.length, (await run.place.unacked?.()) ?? 0)
      // A listener takes no more from the socket, so that the writer itself has to wait.
      await Promise.race([writing, pause(run.quietMs)])
      await pause(run.quietMs)
      expect(await held()).toBeLessThanOrEqual(readAhead)
      source.unblock()
      const got: SourceRecord[] = []
      while (got.length < all.length) {
        const [record] = await source.take(1)
        if (!record) break
        got.push(record)
        await source.publish([record])
      }
      await run.within(writing, 'writing into the system')
      expect(run.shown(got)).toEqual(run.lines(all))
    },
  },
  {
    id: 'SRC-21',
    title: 'ends at once when it is told to stop while it waits',
    run: async run => {
      const source = await run.open()
      const waiting = source.read().catch((error: unknown) => run.note(error))
      await pause(50)
      source.context.stop()
      await run.within(waiting, 'read that was told to stop')
      await run.within(source.close(), 'close')
    },
  },
  {
    id: 'SRC-22',
    title: 'ends when it is closed while nobody takes its records',
    run: async run => {
      const source = await run.open({ blocked: true })
      await run.write(items(5))
      if (run.options.definition.style === 'push')
        await run.until(
          () => source.waiting.length,
          count => count > 0,
        )
      await run.within(source.close(), 'close')
    },
  },
  {
    id: 'SRC-23',
    title: 'says so when there will never be more',
    lacks: ({ capabilities }) => (capabilities.ends ? undefined : 'it never ends by itself'),
    run: async run => {
      const some = items(20)
      await run.write(some)
      const source = await run.open({ config: run.options.capabilities.ends })
      expect(run.shown(await source.take(21))).toEqual(run.lines(some))
      expect(source.done).toBe(true)
    },
  },
]

async function roundTrip(run: SourceRun, list: readonly StoredItem[]): Promise<SourceRecord[]> {
  const source = await run.open()
  await run.write(list)
  const records = await source.take(list.length)
  expect(run.shown(records)).toEqual(run.lines(list))
  await source.publish(records)
  return records
}
