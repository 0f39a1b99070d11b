import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/ports.ts'
import { numbered, numberedLines, tally } from '../support/records.ts'
import { type Workspace, workspace } from '../support/workspace.ts'

const RECORDS = 10_000
const intact = { lost: [], duplicated: [], reordered: [], alien: [] }

describe('a pipeline file', { timeout: 60_000 }, () => {
  it('moves records from a port over a topic into a file, and ends when there is nothing left to do', async () => {
    const user = await workspace()
    const port = await freePort()
    await user.file(
      'pipeline.yaml',
      `kind: source
name: in
archive: connectors/netty.tgz
topicName: events
configs: { type: http, port: ${port} }
---
kind: sink
name: out
archive: connectors/file.tgz
inputs: [events]
sourceSubscriptionPosition: Earliest
configs: { path: out.ndjson, format: lines }
`,
    )
    const run = user.start(['run', '-f', 'pipeline.yaml', '--exit-when-idle', '3s'])
    await run.while(() => run.log.filter(({ msg }) => msg === 'running').length === 2, { what: 'both connectors' })
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => post(port, JSON.stringify(numbered(n)))))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([answers[0]?.status]))
    expect(answers[0]?.ok).toBe(true)

    const end = await run.end()
    expect(end, end.stderr).toMatchObject({ code: 0, stdout: '', summary: { deadLettered: 0, retried: 0 } })
    const { reordered: _, ...found } = tally(await arrived(user), 200)
    expect(found).toEqual({ lost: [], duplicated: [], alien: [] })
  })

  it('copies a file over a topic into another file', async () => {
    const user = await workspace()
    await user.file('in.ndjson', `${numberedLines(RECORDS).join('\n')}\n`)
    await user.file('pipeline.yaml', copy)
    const end = await user.run(['run', '-f', 'pipeline.yaml', '--exit-when-idle', '500ms'])
    expect(end, end.stderr).toMatchObject({ code: 0, stdout: '' })
    expect(end.summary).toMatchObject({ recordsIn: 2 * RECORDS, recordsOut: 2 * RECORDS, deadLettered: 0 })
    expect(tally(await arrived(user), RECORDS)).toEqual(intact)
  })

  it('ends as a whole, with the reason, when one connector fails for good', async () => {
    const user = await workspace()
    await user.file('in.ndjson', '{"n":1}\nthis is not JSON\n')
    await user.file('pipeline.yaml', copy)
    const end = await user.run(['run', '-f', 'pipeline.yaml', '--exit-when-idle', '5s'])
    expect(end.code, end.stderr).toBe(1)
    expect(end.said.match(/^error: /gm)).toHaveLength(1)
    expect(end.said).toMatch(/in\.ndjson.*\b2\b/)
    expect(end.summary).toBeDefined()
  })
})

const copy = `
- kind: source
  name: in
  archive: connectors/file.tgz
  topicName: events
  processingGuarantees: EFFECTIVELY_ONCE
  configs: { path: in.ndjson, format: ndjson }
- kind: sink
  name: out
  archive: connectors/file.tgz
  inputs: [events]
  sourceSubscriptionPosition: Earliest
  processingGuarantees: EFFECTIVELY_ONCE
  configs: { path: out.ndjson, format: lines }
`

async function arrived(user: Workspace): Promise<readonly unknown[]> {
  const text = await readFile(user.path('out.ndjson'), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as unknown)
}

async function post(port: number, body: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
}
