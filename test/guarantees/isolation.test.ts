import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { numberedLines, tally } from '../support/records.ts'
import type { RuntimeProcess } from '../support/runtime-process.ts'
import { workspace } from '../support/workspace.ts'
import { topicToFile } from './flows.ts'
import { inEmbeddedLog } from './place.ts'

const RECORDS = 20_000

describe('isolation', { timeout: 60_000 }, () => {
  it.each(['thread', 'process', 'inline'])('%s moves the same records', async isolation => {
    const user = await workspace()
    const flow = topicToFile(RECORDS, await inEmbeddedLog())
    await flow.prepare(user)
    const end = await user.run([...flow.args, '--isolation', isolation, '--exit-when-idle', '500ms'])
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { recordsIn: RECORDS, recordsOut: RECORDS } })
    expect(tally(await flow.arrived(user), RECORDS)).toEqual({ lost: [], duplicated: [], reordered: [], alien: [] })
  })

  it.skipIf(process.platform !== 'linux')(
    'process: an instance that is killed with -9 is started again, and loses nothing',
    async () => {
      const user = await workspace()
      const flow = topicToFile(RECORDS, await inEmbeddedLog())
      await flow.prepare(user)
      const run = user.start([
        ...flow.args,
        ...['--isolation', 'process', '--processing-guarantees', 'EFFECTIVELY_ONCE', '--metrics-port', '0'],
      ])
      const { msg } = await run.logged(/^metrics: /)
      const url = /status: (\S+)/.exec(msg)?.[1] ?? ''
      await run.while(async () => (await flow.progress(user)) > RECORDS / 4, { pollMs: 3, what: 'a quarter of it' })
      process.kill(await instanceOf(run), 'SIGKILL')

      const crash = await run.logged(/crashed/)
      expect(crash).toMatchObject({ level: 'error', reason: expect.stringContaining('SIGKILL') })
      const status = await run.while(
        async () => {
          const [sink] = (await (await fetch(url)).json()) as readonly SinkState[]
          const state = sink?.instances[0]?.status
          return state?.running === true && state.numRestarts === 1 && state.lag === 0 && state
        },
        { what: 'an instance that has caught up', pollMs: 100 },
      )
      expect(status.state).toBe('running')
      // What comes afterwards goes through the new process.
      await user.produce('events', numberedLines(10, RECORDS))
      const expected = RECORDS + 10
      await run.while(async () => (await flow.arrived(user)).length >= expected, {
        what: 'the last records',
        pollMs: 100,
      })
      run.kill('SIGTERM')
      expect((await run.end()).code).toBe(0)
      const found = tally(await flow.arrived(user), expected)
      expect(found).toEqual({ lost: [], duplicated: [], reordered: [], alien: [] })
    },
  )
})

interface SinkState {
  readonly instances: readonly {
    readonly status: {
      readonly running: boolean
      readonly state: string
      readonly numRestarts: number
      readonly lag: number
    }
  }[]
}

/** The process of the only instance. */
async function instanceOf({ pid }: RuntimeProcess): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(/\s+/)
  const [child] = children
  if (child === undefined || child === '' || children.length > 1)
    throw new Error(`expected one child of ${pid}, found: ${children.join(', ')}`)
  return Number(child)
}
