import { expect } from 'vitest'
import { misspell, optionsOf } from './config.ts'
import { noNetwork, noOutage } from './faults-needed.ts'
import { items } from './item.ts'
import { pause } from './resources.ts'
import { expectMeaning, mistakeOf } from './run.ts'
import type { SinkClause } from './sink-run.ts'

/** What a sink does before and after records, and what it says when it cannot begin. */
export const sinkOpening: readonly SinkClause[] = [
  {
    id: 'SINK-01',
    title: 'does nothing before it is opened',
    run: run => run.leavesNothing(async () => void run.create()),
  },
  {
    id: 'SINK-02',
    title: 'opens and closes, twice over, and then writes',
    run: async run => {
      await (await run.open()).close()
      const second = await run.open()
      const [item] = items(1)
      await second.writeAll(run.records(item ? [item] : []))
      await second.close()
      await (await run.open()).close()
      await run.expectStored(item ? [item] : [])
    },
  },
  {
    id: 'SINK-03',
    title: 'leaves no socket, timer or file watcher behind when it is closed',
    run: run =>
      run.leavesNothing(async () => {
        const sink = await run.open()
        await sink.writeAll(run.records(items(3)))
        await sink.close()
      }),
  },
  {
    id: 'SINK-04',
    title: 'names every misspelt option at once, with the right name beside it',
    lacks: ({ definition }) => (optionsOf(definition).length > 0 ? undefined : 'it has no options'),
    run: async run => {
      const { definition } = run.options
      const known = optionsOf(definition)
      const wrong = known.flatMap(option => {
        const misspelt = option.length > 3 ? misspell(option, known) : undefined
        return misspelt === undefined ? [] : [{ option, misspelt }]
      })
      const typos = wrong.slice(0, 3)
      const result = definition.parse({
        ...run.place.config,
        ...Object.fromEntries(typos.map(({ misspelt }) => [misspelt, 'x'])),
      })
      expect(result.ok, 'takes options that do not exist').toBe(false)
      const problems = result.ok ? [] : result.problems
      for (const { option, misspelt } of typos)
        expect(problems.find(({ path }) => path === misspelt)?.message, misspelt).toContain(option)
    },
  },
  {
    id: 'SINK-05',
    title: 'says which address cannot be reached, and that it will try again',
    lacks: ({ mistakes }) => (mistakes?.wrongAddress ? undefined : 'no address is configured'),
    run: async run => {
      const { config, names } = mistakeOf(run.options.mistakes?.wrongAddress)
      await run.leavesNothing(async () => {
        const error = await run.failure(run.open({ config }), 'open with a wrong address')
        expectMeaning(error, 'reconnect')
        expect(error.message).toContain(names)
      })
    },
  },
  {
    id: 'SINK-06',
    title: 'blocks on wrong credentials, without showing them',
    lacks: ({ mistakes }) => (mistakes?.wrongCredentials ? undefined : 'nobody asks for credentials'),
    run: async run => {
      const wrong = run.options.mistakes?.wrongCredentials
      if (!wrong) throw new Error('no wrong credentials')
      run.hide(wrong.secret)
      const error = await run.failure(run.open({ config: wrong.config }), 'open with wrong credentials')
      expectMeaning(error, 'block')
    },
  },
  {
    id: 'SINK-07',
    title: 'names a target that is missing',
    lacks: ({ mistakes }) => (mistakes?.missingTarget ? undefined : 'no target has to be there'),
    run: async run => {
      const { config, names } = mistakeOf(run.options.mistakes?.missingTarget)
      const error = await run.failure(run.open({ config }), 'open without its target')
      expectMeaning(error, 'stop', 'block', 'reconnect')
      expect(error.message).toContain(names)
    },
  },
  {
    id: 'SINK-08',
    title: 'cannot be opened while the system is away, and can when it is back',
    lacks: noOutage,
    run: async run => {
      await run.faults.interrupt()
      expectMeaning(await run.failure(run.open(), 'open while the system is away'), 'reconnect')
      await run.faults.restore()
      const sink = await run.reopen()
      const some = items(3)
      await sink.writeAll(run.records(some))
      await run.expectStored(some)
    },
  },
  {
    id: 'SINK-09',
    title: 'gives up opening when it is told to stop, or within its own timeout',
    lacks: noNetwork,
    run: async run => {
      await run.faults.stall()
      const sink = run.create()
      const opening = sink.open().then(
        () => undefined,
        (error: unknown) => run.note(error),
      )
      await pause(50)
      sink.context.stop()
      await run.within(opening, 'open that was told to stop')
      await run.within(sink.close(), 'close after it')
    },
  },
]
