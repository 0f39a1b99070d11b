import { readFile } from 'node:fs/promises'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { numberedLines } from '../support/records.ts'
import type { RuntimeProcess } from '../support/runtime-process.ts'
import { workspace } from '../support/workspace.ts'

const es = await service('elasticsearch')
const secured = await service('elasticsearch8-secured')

async function metricsUrl(run: RuntimeProcess): Promise<string> {
  const { msg } = await run.logged(/^metrics: /)
  return /metrics: (\S+)\/metrics/.exec(msg)?.[1] ?? ''
}

describe.skipIf(!es.available)('a running sink', { timeout: 60_000 }, () => {
  if (!es.available) return

  it('shows its numbers under the names of Pulsar, its status, and its health', async () => {
    const user = await workspace()
    const index = uniqueName('metrics')
    // Not a document at all: a dead letter.
    await user.produce('events', [...numberedLines(500), 'no JSON'])
    const run = user.start([
      ...[
        '--archive',
        'connectors/elasticsearch.tgz',
        '--name',
        'es',
        '--inputs',
        'events',
        '--subs-position',
        'Earliest',
      ],
      ...['--sink-config', JSON.stringify({ elasticSearchUrl: es.url, indexName: index }), '--metrics-port', '0'],
    ])
    const url = await metricsUrl(run)
    const labels =
      'tenant="public",namespace="public/default",name="es",instance_id="0",cluster="local",fqfn="public/default/es"'
    const text = await run.while(async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text()
      return metrics.includes(`pulsar_sink_received_total{${labels}} 501`) &&
        metrics.includes(`pulsar_sink_dead_letters_total{${labels}} 1`)
        ? metrics
        : undefined
    })
    expect(text).toContain(`pulsar_sink_written_total{${labels}} 500\n`)
    expect(text).toContain(`pulsar_sink_sink_exceptions_total{${labels}}`)
    expect(text).toContain(`pulsar_sink_system_exceptions_total{${labels}}`)
    expect(text).toMatch(/pulsar_sink_last_invocation\{[^}]*\} \d{13}/)
    expect(text).toMatch(/pulsar_sink_write_latency_seconds_bucket\{[^}]*le="\+Inf"[^}]*\} [1-9]/)
    // Each line is a comment, empty, or a number under a name, as Prometheus reads it.
    for (const line of text.split('\n')) expect(line).toMatch(/^(#.*|[a-z_]\w*(\{.*\})? [-+.\deNaIinf]+)?$/)

    const status = await run.while(async () => {
      const [sink] = (await (await fetch(`${url}/status`)).json()) as readonly {
        instances: { status: { lag: number } }[]
      }[]
      return sink?.instances[0]?.status.lag === 0 && sink
    })
    expect(status).toMatchObject({
      kind: 'sink',
      fqn: 'public/default/es',
      numInstances: 1,
      numRunning: 1,
      instances: [
        {
          instanceId: 0,
          status: {
            running: true,
            error: '',
            numRestarts: 0,
            numReadFromPulsar: 501,
            numWrittenToSink: 500,
            numDeadLettered: 1,
            inFlight: 0,
          },
        },
      ],
    })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    run.kill('SIGINT')
    const end = await run.end()
    expect(end).toMatchObject({ code: 0, stdout: '', summary: { recordsIn: 501, recordsOut: 500, deadLettered: 1 } })
  })

  it('logs JSON when it is piped, and nothing but results goes to stdout', async () => {
    const user = await workspace()
    await user.produce('events', ['{"a":1}'])
    const end = await user.run([
      ...['--archive', 'connectors/file.tgz', '--kind', 'sink', '--inputs', 'events', '--subs-position', 'Earliest'],
      ...['--sink-config', '{"path":"out.ndjson","format":"lines"}', '--exit-when-idle', '300ms'],
    ])
    expect(end).toMatchObject({ code: 0, stdout: '' })
    const lines = end.stderr.trimEnd().split('\n')
    expect(lines.at(-1)).toMatch(/^1 records in, 1 records out, 0 dead-lettered, 0 retried, [\d.]+ seconds$/)
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines.slice(0, -1)) {
      expect(JSON.parse(line)).toMatchObject({
        level: expect.stringMatching(/^(debug|info|warn|error)$/),
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        msg: expect.any(String),
      })
    }
    const consumed = await user.run(['topics', 'consume', 'events', '--from', 'earliest'])
    expect(consumed.stderr).toBe('')
  })
})

describe.skipIf(!secured.available)('a secret', { timeout: 60_000 }, () => {
  if (!secured.available) return
  const password = secured.credentials?.password ?? ''

  it.each(['${env:ES_PASSWORD}', '${file:./password.txt}', 'secrets'])(
    'that comes by %s is nowhere to be seen',
    async reference => {
      const user = await workspace()
      await user.file('password.txt', `${password}\n`)
      const options = {
        elasticSearchUrl: secured.url,
        indexName: uniqueName('secret'),
        username: secured.credentials?.username,
      }
      await user.file('es.json', reference === 'secrets' ? options : { ...options, password: reference })
      await user.produce('events', numberedLines(10))
      const run = user.start(
        [
          ...['--archive', 'connectors/elasticsearch.tgz', '--name', 'es', '--inputs', 'events'],
          ...['--subs-position', 'Earliest', '--sink-config', 'es.json', '--isolation', 'process'],
          ...(reference === 'secrets' ? ['--secrets', '{"password":"${env:ES_PASSWORD}"}'] : []),
          ...['--log-level', 'debug', '--metrics-port', '0'],
        ],
        { env: { ES_PASSWORD: password } },
      )
      const url = await metricsUrl(run)
      const metrics = await run.while(async () => {
        const text = await (await fetch(`${url}/metrics`)).text()
        return /pulsar_sink_written_total\{[^}]*\} 10\n/.test(text) && text
      })
      const status = await (await fetch(`${url}/status`)).text()
      const commandLines = process.platform === 'linux' ? await commandLinesOf(run.pid) : ''
      run.kill('SIGINT')
      const end = await run.end()
      expect(end.code, end.stderr).toBe(0)
      for (const text of [metrics, status, commandLines, end.stdout, end.stderr]) expect(text).not.toContain(password)
    },
  )

  it('that is not there is told by its name', async () => {
    const user = await workspace()
    const config = { elasticSearchUrl: secured.url, username: 'jo', password: '${env:NO_SUCH_PASSWORD}' }
    await user.file('es.json', config)
    const end = await user.run([
      '--archive',
      'connectors/elasticsearch.tgz',
      '--inputs',
      'events',
      '--sink-config',
      'es.json',
    ])
    expect(end.code, end.stderr).toBe(2)
    expect(end.said).toMatch(/password.*environment variable NO_SUCH_PASSWORD is not set/)
    expect(end.said.match(/^error: /gm)).toHaveLength(1)
  })
})

/** The command lines of a process and its children. */
async function commandLinesOf(pid: number): Promise<string> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(/\s+/)
  const all = await Promise.all([pid, ...children].map(each => readFile(`/proc/${each}/cmdline`, 'utf8')))
  return all.join('\n')
}
