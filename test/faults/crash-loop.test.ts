import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packConnector } from '../../tooling/pack/pack-connector.ts'
import type { RuntimeProcess } from '../support/runtime-process.ts'
import { type Workspace, workspace } from '../support/workspace.ts'

const CRASHER = join(import.meta.dirname, 'fixtures/crasher')

describe('a connector that crashes', { timeout: 60_000 }, () => {
  it.each(['throw', 'exit'])(
    'again and again (%s): is restarted with growing pauses, shows a crash loop, and leaves the others alone',
    async how => {
      const user = await workspace()
      await packConnector(CRASHER, user.path('connectors/crasher.tgz'))
      await user.produce('bad', ['poison'])
      await user.produce('good', ['one'])
      await user.file('pipeline.yaml', pipeline(how))
      const run = user.start(['run', '-f', 'pipeline.yaml', '--metrics-port', '0', '--isolation', 'thread'])
      const url = await statusUrl(run)

      const status = await run.while(async () => {
        const crasher = (await statusOf(url, 'public/default/crasher'))?.instances[0]?.status
        return crasher?.state === 'crash-loop' && crasher
      })
      expect(status.running).toBe(false)
      expect(status.numRestarts).toBeGreaterThanOrEqual(4)
      expect(status.error).not.toBe('')
      const health = await fetch(url.replace('/status', '/healthz'))
      expect(health.status).toBe(503)
      expect(await health.text()).toContain('public/default/crasher instance 0 is crash-loop')

      const crashes = run.log.filter(({ msg }) => msg.includes('crashed'))
      expect(crashes.every(({ connector }) => connector === 'public/default/crasher')).toBe(true)
      const pauses = crashes.map(({ retryInMs }) => Number(retryInMs))
      expect(Math.max(...pauses)).toBeGreaterThan(2 * Math.min(...pauses))
      // A bug is found by its stack.
      if (how === 'throw') expect(crashes[0]?.stack).toContain('price')

      await user.produce('good', ['two'])
      await run.while(async () => (await lines(user, 'good.txt')).length === 2, {
        what: 'the record of the other sink',
      })
      run.kill('SIGINT')
      const end = await run.end()
      expect(end.code, end.stderr).toBe(0)
      expect(await lines(user, 'good.txt')).toEqual(['one', 'two'])

      // Nothing is lost: repaired, it gets what it could not take before.
      const repaired = await user.run([
        ...['--archive', 'connectors/crasher.tgz', '--inputs', 'bad', '--exit-when-idle', '500ms'],
        ...['--sink-config', '{"path":"bad.txt","poison":"none"}'],
      ])
      expect(repaired.code, repaired.stderr).toBe(0)
      expect(await lines(user, 'bad.txt')).toEqual(['poison'])
    },
  )
})

const pipeline = (how: string) => `
- kind: sink
  name: crasher
  archive: connectors/crasher.tgz
  inputs: [bad]
  sourceSubscriptionPosition: Earliest
  configs: { path: bad.txt, how: ${how} }
- kind: sink
  name: good
  archive: connectors/file.tgz
  inputs: [good]
  sourceSubscriptionPosition: Earliest
  configs: { path: good.txt, format: lines }
`

interface Status {
  readonly fqn: string
  readonly instances: readonly {
    readonly status: {
      readonly running: boolean
      readonly state: string
      readonly error: string
      readonly numRestarts: number
    }
  }[]
}

async function statusUrl(run: RuntimeProcess): Promise<string> {
  const { msg } = await run.logged(/^metrics: /)
  return /status: (\S+)/.exec(msg)?.[1] ?? ''
}

async function statusOf(url: string, fqn: string): Promise<Status | undefined> {
  const all = (await (await fetch(url)).json()) as readonly Status[]
  return all.find(one => one.fqn === fqn)
}

async function lines(user: Workspace, name: string): Promise<readonly string[]> {
  return (await readFile(user.path(name), 'utf8')).split('\n').filter(line => line !== '')
}
