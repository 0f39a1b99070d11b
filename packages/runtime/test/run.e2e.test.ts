import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cli, PROBE, start } from './cli.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runtime-run-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

type Status = readonly { readonly instances: readonly { readonly status: { readonly inFlight: number } }[] }[]

const SUMMARY = /^(\d+) records in, (\d+) records out, (\d+) dead-lettered, (\d+) retried, \d+(\.\d+)? seconds$/m
const sinkArgs = (...more: string[]) => [
  '--archive',
  PROBE,
  '--inputs',
  'orders',
  '--sink-config',
  '{"path":"out"}',
  '--subs-position',
  'Earliest',
  ...more,
]

describe('runtime --archive', () => {
  it('writes what is in the topic, dead-letters what cannot be written, and ends when idle', async () => {
    const produced = await cli(dir, ['topics', 'produce', 'orders', '--property', 'from=test'], 'one\nbad\ntwo\n')
    expect(produced).toEqual({ code: 0, stdout: '', stderr: '3 records acknowledged\n' })

    const ran = await cli(dir, sinkArgs('--exit-when-idle', '500ms', '--classname', 'x', '--use-tls'))
    expect(ran.code).toBe(0)
    expect(ran.stdout).toBe('')
    expect(SUMMARY.exec(ran.stderr)?.slice(1, 5)).toEqual(['3', '2', '1', '0'])
    expect(await readFile(join(dir, 'out'), 'utf8')).toBe('one\ntwo\n')
    const logged = ran.stderr.split('\n').filter(line => line.startsWith('{'))
    expect(logged.filter(line => line.includes('className has no effect here'))).toHaveLength(1)
    expect(logged.filter(line => line.includes('--use-tls has no effect here'))).toHaveLength(1)

    const list = await cli(dir, ['topics', 'list'])
    const dead = list.stdout.split('\n').find(topic => topic.endsWith('-DLQ')) ?? ''
    const letters = await cli(dir, ['topics', 'consume', dead, '--output', 'json'])
    expect(JSON.parse(letters.stdout)).toMatchObject({ value: 'bad', properties: { from: 'test' } })
  })

  it('drains on SIGTERM, and serves metrics and status until then', async () => {
    const running = start(dir, sinkArgs('--metrics-port', '0', '--log-format', 'json'))
    const [, url] = await running.saw(/(http:\/\/127\.0\.0\.1:\d+)\/metrics/)
    await cli(dir, ['topics', 'produce', 'orders'], 'a\nb\n')
    await expect.poll(() => readFile(join(dir, 'out'), 'utf8').catch(() => ''), { timeout: 10_000 }).toBe('a\nb\n')
    // An instance tells its numbers from time to time.
    const received = async () =>
      /^pulsar_sink_received_total\{.*\} (\d+)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]
    await expect.poll(received, { timeout: 10_000 }).toBe('2')
    const status = await (await fetch(`${url}/status`)).json()
    expect(status).toMatchObject([{ kind: 'sink', numRunning: 1 }])
    running.child.kill('SIGTERM')
    const ended = await running.ended
    expect(ended.code).toBe(0)
    expect(SUMMARY.exec(ended.stderr)?.slice(1, 5)).toEqual(['2', '2', '0', '0'])
  })
})

describe('a second signal', () => {
  it('ends a run at once that cannot drain', async () => {
    await cli(dir, ['topics', 'produce', 'orders'], 'hang\n')
    const running = start(dir, sinkArgs('--drain-timeout', '5m', '--metrics-port', '0'))
    const [, url] = await running.saw(/(http:\/\/127\.0\.0\.1:\d+)\/metrics/)
    const inFlight = async () =>
      ((await (await fetch(`${url}/status`)).json()) as Status)[0]?.instances[0]?.status.inFlight
    await expect.poll(inFlight, { timeout: 10_000 }).toBe(1)
    running.child.kill('SIGINT')
    await running.saw(/a second signal ends at once/)
    running.child.kill('SIGINT')
    expect((await running.ended).code).toBe(130)
  })
})

describe('runtime run -f', () => {
  it('runs sources and sinks of one file, and ends when nothing is left to do', async () => {
    const pipeline = [
      { kind: 'source', archive: PROBE, name: 'count', topicName: 'orders', configs: { count: 250 } },
      {
        kind: 'sink',
        archive: PROBE,
        inputs: ['orders'],
        sourceSubscriptionPosition: 'Earliest',
        configs: { path: 'out' },
      },
    ]
    await writeFile(join(dir, 'p.yaml'), pipeline.map(each => JSON.stringify(each)).join('\n---\n'))
    const checked = await cli(dir, ['run', '-f', 'p.yaml', '--validate-only'])
    expect(checked).toEqual({ code: 0, stdout: 'p.yaml is valid: sources 1, sinks 1\n', stderr: '' })
    const ran = await cli(dir, ['run', '-f', 'p.yaml', '--exit-when-idle', '500ms'])
    expect(ran.stderr).toMatch(SUMMARY)
    expect(ran.stderr).toMatch(/"msg":"this source is done","recordsIn":250,"recordsOut":250,/)
    expect(ran.stderr).toMatch(/"msg":"this sink is done","recordsIn":250,"recordsOut":250,/)
    expect(ran.code).toBe(0)
    expect((await readFile(join(dir, 'out'), 'utf8')).split('\n')).toHaveLength(251)
  })

  it('lists what is wrong with every connector of the file, with lines', async () => {
    const text = [
      '- kind: source',
      `  archive: ${PROBE}`,
      '  topicName: t',
      '  configs:',
      '    count: -1',
      '- kind: sonk',
      '- kind: sink',
      `  archive: ${PROBE}`,
      '  paralelism: 2',
    ]
    await writeFile(join(dir, 'p.yaml'), text.join('\n'))
    const ended = await cli(dir, ['run', '-f', 'p.yaml'])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(/p\.yaml:5 count: must be at least 0, got -1/)
    expect(ended.stderr).toMatch(/connector 2 kind: must be sink or source, got "sonk"; did you mean sink\?/)
    expect(ended.stderr).toMatch(/p\.yaml:9 paralelism: not an option; did you mean parallelism\?/)
    expect(ended.stderr).toMatch(/p\.yaml:7 inputs: required/)
    expect(ended.stderr).toMatch(/p\.yaml:7 path: required/)
  })
})

describe('runtime run -f --validate-only', () => {
  it('refuses what a run would refuse, with lines', async () => {
    const sink = (name: string, ...more: string[]) => [
      '- kind: sink',
      `  name: ${name}`,
      `  archive: ${PROBE}`,
      '  inputs: [a]',
      '  configs: { path: out }',
      ...more,
    ]
    const check = async (...lines: string[]) => {
      await writeFile(join(dir, 'p.yaml'), lines.join('\n'))
      return cli(dir, ['run', '-f', 'p.yaml', '--validate-only'])
    }
    const rules = await check(
      ...sink('one', '  topicsPattern: b.*'),
      ...sink('two', '  processingGuarantees: EFFECTIVELY_ONCE'),
    )
    expect(rules.code).toBe(2)
    expect(rules.stderr).toMatch(/p\.yaml:6 topicsPattern: cannot stand beside inputs/)
    expect(rules.stderr).toMatch(/p\.yaml:12 processingGuarantees: the probe sink cannot keep EFFECTIVELY_ONCE/)
    const twins = await check(...sink('one'), ...sink('one'))
    expect(twins.code).toBe(2)
    expect(twins.stderr).toMatch(/name: two sinks are named public\/default\/one/)
  })
})

describe('runtime topics', () => {
  it('stops at the line that is not JSON, and says how many records are in', async () => {
    const ended = await cli(
      dir,
      ['topics', 'produce', 't', '--key-field', 'id'],
      '{"id":"k"}\n{"id":2}\nnope\n{"id":4}\n',
    )
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(/^2 records acknowledged$/m)
    expect(ended.stderr).toMatch(/standard input:3: not JSON: unexpected 'o' at character 2/)
    const consumed = await cli(dir, ['topics', 'consume', 't', '--output', 'json'])
    expect(
      consumed.stdout
        .trim()
        .split('\n')
        .map(line => (JSON.parse(line) as { key: string }).key),
    ).toEqual(['k', '2'])
    const stats = await cli(dir, ['topics', 'stats', 't'])
    expect(JSON.parse(stats.stdout)).toMatchObject({ messages: 2, subscriptions: [] })
  })

  it('keeps to the schema of the topic, and makes no topic for a file that is not there', async () => {
    await cli(dir, ['topics', 'produce', 'typed', '--schema', 'json'], '{}\n')
    const text = await cli(dir, ['topics', 'produce', 'typed'], 'no json\n')
    expect(text.stderr).toMatch(/standard input:1: not JSON/)
    const other = await cli(dir, ['topics', 'produce', 'typed', '--schema', 'string'], 'x\n')
    expect(other).toMatchObject({ code: 2, stderr: expect.stringMatching(/--schema: typed has the schema json/) })
    const absent = await cli(dir, ['topics', 'produce', 'absent', '--file', 'absent'])
    expect(absent).toMatchObject({ code: 2, stderr: expect.stringMatching(/^error: --file: cannot read absent/) })
    expect((await cli(dir, ['topics', 'list'])).stdout).toBe('persistent://public/default/typed\n')
  })

  it('makes no folder only to look into it', async () => {
    const list = await cli(dir, ['topics', 'list', '--data-dir', 'misspelt'])
    expect(list).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(/misspelt does not exist/) })
    for (const command of ['stats', 'consume']) {
      const look = await cli(dir, ['topics', command, 'orders', '--data-dir', 'misspelt'])
      expect(look).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/there is no topic orders; .*misspelt does/),
      })
    }
    await expect(readFile(join(dir, 'misspelt'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('says how many records are in when it is interrupted', async () => {
    const running = start(dir, ['topics', 'produce', 't'])
    running.child.stdin?.write('a\nb\n')
    await expect
      .poll(async () => (await cli(dir, ['topics', 'consume', 't'])).stdout, { timeout: 15_000 })
      .toBe('a\nb\n')
    running.child.kill('SIGINT')
    expect(await running.ended).toMatchObject({ code: 0, stderr: '2 records acknowledged\n' })
  })

  it('waits for as many records as were asked for', async () => {
    await cli(dir, ['topics', 'produce', 't'], 'a\n')
    const running = start(dir, ['topics', 'consume', 't', '--count', '2'])
    await running.saw(/a\n/)
    await cli(dir, ['topics', 'produce', 't'], 'b\nc\n')
    expect(await running.ended).toEqual({ code: 0, stdout: 'a\nb\n', stderr: '' })
  })

  it('ends quietly when its reader has seen enough', async () => {
    await cli(dir, ['topics', 'produce', 't'], 'a line\n'.repeat(50_000))
    const running = start(dir, ['topics', 'consume', 't'])
    await running.saw(/a line/)
    running.child.stdout?.destroy()
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
  })
})
