import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readFile, stat } from 'node:fs/promises'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it, onTestFinished } from 'vitest'
import { uniqueName } from '../support/names.ts'
import { freePort } from '../support/ports.ts'
import { numberedLines, tally } from '../support/records.ts'
import type { Ended } from '../support/runtime-process.ts'
import { SearchServer } from '../support/search-server.ts'
import { type Workspace, workspace } from '../support/workspace.ts'

const secured = await service('elasticsearch8-secured')

/** One error, with its code and no stack; nothing on stdout. */
function expectOneError(end: Ended, exitCode: number, code: string, ...parts: readonly string[]): void {
  expect(end, end.stderr).toMatchObject({ code: exitCode, stdout: '' })
  expect(end.said.match(/^error: /gm), end.stderr).toHaveLength(1)
  expect(end.said).toContain(`[${code}]`)
  for (const part of parts) expect(end.said).toContain(part)
  expect(end.said).not.toMatch(/^\s+at /m)
  expect(end.log.filter(({ level }) => level === 'error')).toEqual([])
}

const sink = (config: string, ...more: readonly string[]) => [
  ...['--archive', 'connectors/elasticsearch.tgz', '--inputs', 'orders', '--sink-config', config, ...more],
]

describe('a mistake gets one clear message and its exit code', { timeout: 30_000 }, () => {
  it('a misspelt option', async () => {
    const user = await workspace()
    await user.file('es.json', '{\n  "elasticSearchUrl": "http://127.0.0.1:9200",\n  "indexNmae": "orders"\n}\n')
    const end = await user.run(sink('es.json'))
    expectOneError(end, 2, 'PIO_CONFIG', 'es.json:3 indexNmae: not an option', 'did you mean indexName?')
  })

  it('a missing required option', async () => {
    const user = await workspace()
    await user.file('es.json', { indexName: 'orders' })
    expectOneError(await user.run(sink('es.json')), 2, 'PIO_CONFIG', 'elasticSearchUrl: required')
  })

  it('three wrong options, all of them at once', async () => {
    const user = await workspace()
    await user.file(
      'es.json',
      '{\n  "elasticSearchUlr": "x",\n  "bulkActions": "many",\n  "indexNumberOfShards": 0\n}\n',
    )
    const end = await user.run(sink('es.json'))
    expectOneError(
      end,
      2,
      'PIO_CONFIG',
      'es.json:2 elasticSearchUlr: not an option; did you mean elasticSearchUrl?',
      'es.json:3 bulkActions: must be a number, got "many"',
      'es.json:4 indexNumberOfShards: must be at least 1, got 0',
    )
  })

  it('a wrong type', async () => {
    const user = await workspace()
    await user.file('es.json', { elasticSearchUrl: 'http://127.0.0.1:9200', bulkActions: true })
    expectOneError(await user.run(sink('es.json')), 2, 'PIO_CONFIG', 'bulkActions: must be a number, got true')
  })

  it('a misspelt flag and a misspelt value', async () => {
    const user = await workspace()
    expectOneError(await user.run(['--archive', 'x.tgz', '--input', 'a']), 2, 'PIO_USAGE', 'did you mean --inputs?')
    const end = await user.run(
      sink('{"elasticSearchUrl":"http://127.0.0.1:9"}', '--processing-guarantees', 'EFECTIVELY_ONCE'),
    )
    expectOneError(end, 2, 'PIO_CONFIG', '--processing-guarantees', 'did you mean EFFECTIVELY_ONCE?')
  })

  it('an Elasticsearch that is not there at the start', async () => {
    const user = await workspace()
    const url = `http://127.0.0.1:${await freePort()}`
    const end = await user.run(sink(JSON.stringify({ elasticSearchUrl: url, indexName: 'orders' })))
    expectOneError(end, 4, 'PIO_ES_UNREACHABLE', url, 'is the server running')
  })

  it('an archive that is not there', async () => {
    const user = await workspace()
    const end = await user.run([
      '--archive',
      'connectors/elasticsaerch.tgz',
      '--inputs',
      'orders',
      '--sink-config',
      '{}',
    ])
    expectOneError(end, 3, 'PIO_ARCHIVE_NOT_FOUND', 'did you mean elasticsearch.tgz?')
    const builtin = await user.run(['--archive', 'builtin://nety', '--destination-topic-name', 'orders'])
    expectOneError(builtin, 3, 'PIO_ARCHIVE_NOT_FOUND', 'did you mean builtin://netty?')
  })

  it('an archive of the wrong kind, and one that is none', async () => {
    const user = await workspace()
    const wrong = await user.run(['sinks', 'localrun', '--archive', 'connectors/netty.tgz', '--inputs', 'orders'])
    expectOneError(wrong, 3, 'PIO_ARCHIVE_KIND', 'netty is a source, not a sink', 'sources localrun')
    await user.file('notes.tgz', 'this is a text')
    const none = await user.run(['--archive', 'notes.tgz', '--inputs', 'orders'])
    expectOneError(none, 3, 'PIO_ARCHIVE_FORMAT', 'notes.tgz')
  })

  it('a port that is taken', async () => {
    const user = await workspace()
    const source = (topic: string, port: number) => [
      ...['--archive', 'connectors/netty.tgz', '--destination-topic-name', topic, '--name', topic],
      ...['--source-config', JSON.stringify({ type: 'tcp', port })],
    ]
    const port = await freePort()
    const first = user.start(source('one', port))
    await first.logged(/^running/)
    const end = await user.run(source('two', port))
    expect(end.code).toBe(4)
    expect(end.said).toContain(String(port))
    expect(end.said.match(/^error: /gm)).toHaveLength(1)
  })

  it('EFFECTIVELY_ONCE where it cannot be had', async () => {
    const user = await workspace()
    const end = await user.run([
      ...['--archive', 'connectors/netty.tgz', '--destination-topic-name', 'orders', '--source-config', '{"port":0}'],
      ...['--processing-guarantees', 'EFFECTIVELY_ONCE'],
    ])
    expect(end.code, end.stderr).toBe(2)
    expect(end.said).toMatch(/EFFECTIVELY_ONCE.*ATLEAST_ONCE/s)
  })
})

describe.skipIf(!secured.available)('wrong credentials', { timeout: 60_000 }, () => {
  if (!secured.available) return
  const { url, credentials, readOnly } = secured

  it.each(['--sink-config', 'env'])('a wrong password is told, and never printed (%s)', async how => {
    const user = await workspace()
    const password = 'a-Wrong-Password-4711'
    const config = { elasticSearchUrl: url, indexName: uniqueName('wrong'), username: credentials?.username ?? '' }
    await user.file('es.json', { ...config, password: how === 'env' ? '${env:ES_PASSWORD}' : password })
    const end = await user.run(sink('es.json', '--log-level', 'debug'), { env: { ES_PASSWORD: password } })
    expect(end.code, end.stderr).toBe(2)
    expect(end.said).toContain('[PIO_ES_AUTH]')
    expect(end.said).toContain(`user "${credentials?.username}"`)
    expect(end.stderr).not.toContain(password)
  })

  it.skipIf(!readOnly)('a user who may not write blocks the sink, which says so and loses nothing', async () => {
    const user = await workspace()
    const index = uniqueName('readonly')
    await user.produce('orders', numberedLines(10))
    const login = { username: readOnly?.username ?? '', password: readOnly?.password ?? '' }
    const config = JSON.stringify({ elasticSearchUrl: url, indexName: index, ...login })
    const flags = ['--subs-position', 'Earliest', '--name', 'es']
    const run = user.start(sink(config, ...flags))
    const line = await run.logged(/refuses us/)
    expect(line).toMatchObject({ level: 'warn', reason: expect.stringMatching(/may not .*grant/) })
    run.kill('SIGINT')
    expect((await run.end()).code).toBe(0)

    const right = JSON.stringify({ elasticSearchUrl: url, indexName: index, ...credentials })
    const end = await user.run(sink(right, ...flags, '--exit-when-idle', '500ms'))
    expect(end.summary).toMatchObject({ recordsOut: 10, deadLettered: 0 })
    expect(await new SearchServer(secured).count(index)).toBe(10)
  })
})

describe('the data directory', { timeout: 60_000 }, () => {
  const fileSink = (dataDir: string, path = 'out.ndjson') => [
    ...['--archive', 'connectors/file.tgz', '--kind', 'sink', '--inputs', 'orders', '--data-dir', dataDir],
    ...['--sink-config', JSON.stringify({ path, format: 'lines' }), '--subs-position', 'Earliest'],
  ]

  it('is a file', async () => {
    const user = await workspace()
    await user.file('data', 'a text')
    expectOneError(await user.run(fileSink('data')), 2, 'PIO_EMBEDDED_DIRECTORY', user.path('data'), 'not a directory')
    const produce = await user.run(['topics', 'produce', 'orders', '--data-dir', 'data'], { input: '1\n' })
    expect(produce.code).toBe(2)
    expect(produce.said).toContain('PIO_EMBEDDED_DIRECTORY')
  })

  it('cannot be written: no topic can be made there', async context => {
    const user = await workspace()
    const dir = await readOnlyFolder(user)
    if (dir === undefined) return context.skip('neither permissions nor mounts can be taken away here')
    expectOneError(await user.run(fileSink(dir)), 2, 'PIO_EMBEDDED_DIRECTORY', dir)
    const end = await user.run(['topics', 'produce', 'orders', '--data-dir', dir], { input: '1\n' })
    expect(end.code).toBe(2)
    expect(end.said).toMatch(/PIO_EMBEDDED_DIRECTORY/)
  })

  it('is on a disk that fills up: what is acknowledged stays, the rest goes on when there is room', async context => {
    const user = await workspace()
    const disk = await smallDisk(user, '6m')
    if (disk === undefined) return context.skip('no file system of its own can be mounted here')
    const lines = Array.from({ length: 20_000 }, (_, n) => JSON.stringify({ n, pad: 'x'.repeat(1000) }))
    const produce = await user.run(['topics', 'produce', 'orders', '--data-dir', disk], {
      input: `${lines.join('\n')}\n`,
    })
    expect(produce.code, produce.stderr).not.toBe(0)
    expect(produce.said.match(/^error: /gm)).toHaveLength(1)
    expect(produce.said).toContain('PIO_EMBEDDED_DISK_FULL')
    const acknowledged = Number(/^(\d+) records? acknowledged$/m.exec(produce.said)?.[1])
    expect(acknowledged).toBeGreaterThan(0)
    expect(acknowledged).toBeLessThan(lines.length)

    spawnSync('mount', ['-o', 'remount,size=64m', disk])
    const consumed = await user.run(['topics', 'consume', 'orders', '--data-dir', disk])
    expect(consumed.stdout.split('\n').filter(line => line !== '').length).toBeGreaterThanOrEqual(acknowledged)
    expect(consumed.stdout.startsWith(lines.slice(0, acknowledged).join('\n'))).toBe(true)
    expect((await user.run(['topics', 'produce', 'orders', '--data-dir', disk], { input: 'more\n' })).code).toBe(0)
  })

  it('is fine, but the disk of the sink fills up: it says so, waits, and goes on', async context => {
    const user = await workspace()
    const disk = await smallDisk(user, '256k')
    if (disk === undefined) return context.skip('no file system of its own can be mounted here')
    const records = 20_000
    await user.produce('orders', numberedLines(records), ['--data-dir', 'data'])
    const out = `${disk}/out.ndjson`
    const run = user.start([
      ...fileSink('data', out),
      '--processing-guarantees',
      'EFFECTIVELY_ONCE',
      '--exit-when-idle',
      '1s',
    ])
    const line = await run.logged(/ENOSPC|no space|full/i)
    expect(line.level).toBe('warn')
    expect(line.reason).toContain(out)
    const before = (await stat(out)).size
    spawnSync('mount', ['-o', 'remount,size=64m', disk])
    const end = await run.end()
    expect(end, end.stderr).toMatchObject({ code: 0, summary: { recordsOut: records, deadLettered: 0 } })
    expect(before).toBeLessThan((await stat(out)).size)
    const arrived = (await readFile(out, 'utf8')).trimEnd().split('\n')
    expect(
      tally(
        arrived.map(text => JSON.parse(text)),
        records,
      ),
    ).toEqual({ lost: [], duplicated: [], reordered: [], alien: [] })
  })
})

/** A folder that even root cannot write to where a mount is possible; else one without permissions. */
async function readOnlyFolder(user: Workspace): Promise<string | undefined> {
  const dir = user.path('readonly')
  await mkdir(dir)
  if (process.getuid?.() !== 0) {
    await chmod(dir, 0o500)
    onTestFinished(() => chmod(dir, 0o700))
    return dir
  }
  return mountTmpfs(dir, 'size=1m,ro')
}

async function smallDisk(user: Workspace, size: string): Promise<string | undefined> {
  const dir = user.path('disk')
  await mkdir(dir)
  return mountTmpfs(dir, `size=${size}`)
}

function mountTmpfs(dir: string, options: string): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir]).status !== 0) return undefined
  // Lazily: a process that hangs must not keep the folder from being removed.
  onTestFinished(() => void spawnSync('umount', ['-l', dir]))
  return dir
}
