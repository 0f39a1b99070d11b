import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packConnector } from '../../../tooling/pack/pack-connector.ts'
import { type Running, cli as run, start } from './cli.ts'

const CONNECTORS = resolve(import.meta.dirname, '../../../connectors')

let dir: string
let worker: Running
let url: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runtime-admin-'))
  await packConnector(join(CONNECTORS, 'file'), join(dir, 'builtins', 'file.tgz'))
  worker = start(dir, ['worker', '--port', '0', '--connectors-dir', 'builtins'])
  ;[url] = await worker.saw(/^http:\S+$/m)
})
afterAll(async () => {
  worker?.child.kill('SIGTERM')
  await worker?.ended
  if (dir) await rm(dir, { recursive: true, force: true })
})

/** Runs the command against the worker. */
const cli = (line: string, ...more: readonly string[]) => run(dir, [...line.split(' '), ...more, '--admin-url', url])
const options = (path: string) => ['--sink-config', JSON.stringify({ path })]

describe('the commands of a worker', () => {
  it('take a sink from create to delete', { timeout: 180_000 }, async () => {
    const created = await cli('sinks create --archive builtins/file.tgz --inputs in --wait', ...options('a.out'))
    expect(created).toEqual({ code: 0, stdout: 'Created successfully\n', stderr: 'running: 1 of 1 instances\n' })
    // The name is that of the archive.
    expect(JSON.parse((await cli('sinks list')).stdout)).toEqual(['file'])
    expect(JSON.parse((await cli('sinks get file')).stdout)).toMatchObject({ inputs: ['in'], parallelism: 1 })
    expect((await cli('sink get public/default/file --output yaml')).stdout).toMatch(/^configs:\n {2}path: a\.out$/m)
    expect((await cli('sinks get --name file --output table')).stdout).toMatch(/^configs\.path +a\.out$/m)
    expect(JSON.parse((await cli('sinks status file')).stdout)).toMatchObject({ numInstances: 1, numRunning: 1 })
    const one = await cli('sinks getstatus file --instance-id 0')
    expect(JSON.parse(one.stdout)).toMatchObject({ running: true })
    expect((await cli('sinks status file --output table')).stdout).toMatch(/^INSTANCE .*\n0 +running .*\n\n1 of 1/)
    expect((await cli('sinks logs file')).stdout).toMatch(/"connector":"public\/default\/file","instance":0/)

    const updated = await cli('sinks update --name file --parallelism 2 --wait')
    expect(updated).toMatchObject({ code: 0, stdout: 'Updated successfully\n', stderr: 'running: 2 of 2 instances\n' })
    expect(await cli('sinks stop file')).toMatchObject({ code: 0, stdout: 'Stopped successfully\n' })
    expect(JSON.parse((await cli('sinks status file')).stdout)).toMatchObject({ numRunning: 0 })
    expect(await cli('sinks start file --wait')).toMatchObject({ code: 0, stdout: 'Started successfully\n' })
    expect(await cli('sinks restart file')).toMatchObject({ code: 0, stdout: 'Restarted successfully\n' })
    expect(await cli('sinks pause file --instance-id 0')).toEqual({
      code: 0,
      stdout: 'Paused successfully\n',
      stderr: '',
    })
    expect(await cli('sinks resume file')).toEqual({ code: 0, stdout: 'Resumed successfully\n', stderr: '' })
    expect(await cli('sinks delete file')).toEqual({ code: 0, stdout: 'Deleted successfully\n', stderr: '' })
    expect(await cli('sinks delete file')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error: Sink file doesn't exist .*\[PIO_ADMIN_NOT_FOUND\]/),
    })
  })

  it('know the built-in connectors', async () => {
    expect(JSON.parse((await cli('sinks available-sinks')).stdout)).toMatchObject([{ name: 'file' }])
    expect((await cli('sources available-sources --output table')).stdout).toMatch(/^NAME .*\nfile /)
    expect(await cli('sources reload')).toEqual({ code: 0, stdout: '', stderr: '' })
    const missing = await cli('sinks create --sink-type flie --inputs in')
    expect(missing.code).toBe(1)
    expect(missing.stderr).toMatch(/Built-in sink is not available.*; did you mean file\?/)
  })

  it('say with --wait why a connector does not run', async () => {
    await writeFile(join(dir, 'no-folder'), '')
    const created = await cli(
      'sinks create --sink-type file --name broken --inputs in --wait --wait-timeout 2s',
      ...options('no-folder/a.out'),
    )
    expect(created).toMatchObject({ code: 1, stdout: 'Created successfully\n' })
    expect(created.stderr).toMatch(
      /error: public\/default\/broken does not run \(0 of 1 .*no-folder.*\[PIO_ADMIN_NOT_RUNNING\]/,
    )
    await cli('sinks delete broken')
  })
})

describe('apply', () => {
  const pipeline = (parallelism: number) => `
kind: sink
name: one
archive: builtins/file.tgz
inputs: [in]
parallelism: ${parallelism}
configs: { path: one.out }
---
kind: source
name: two
archive: builtin://file
topicName: in
configs: { path: two.in, follow: true }
`

  it('creates, changes, and leaves alone what is as it should be', { timeout: 180_000 }, async () => {
    await writeFile(join(dir, 'two.in'), '')
    await writeFile(join(dir, 'p.yaml'), pipeline(1))
    const actions = async (line: string) => {
      const { code, stdout, stderr } = await cli(line)
      expect({ code, stderr: stderr.replace(/^\S+ \S+ running: 1 of 1 .*\n/gm, '') }).toEqual({ code: 0, stderr: '' })
      return (JSON.parse(stdout) as { action: string; changes: unknown[] }[]).map(each => [each.action, each.changes])
    }
    expect(await actions('apply -f p.yaml --dry-run')).toEqual([
      ['created', []],
      ['created', []],
    ])
    expect(JSON.parse((await cli('sinks list')).stdout)).toEqual([])
    expect(await actions('apply -f p.yaml --wait')).toEqual([
      ['created', []],
      ['created', []],
    ])
    // Its archive, too: the worker tells the checksum.
    expect(await actions('apply -f p.yaml')).toEqual([
      ['unchanged', []],
      ['unchanged', []],
    ])
    await writeFile(join(dir, 'p.yaml'), pipeline(2))
    const changed = [
      ['updated', [{ path: 'parallelism', before: 1, after: 2 }]],
      ['unchanged', []],
    ]
    expect(await actions('apply -f p.yaml --dry-run')).toEqual(changed)
    expect(await actions('apply -f p.yaml')).toEqual(changed)
    expect((await cli('apply -f p.yaml --output table')).stdout).toBe(
      'sink public/default/one unchanged\nsource public/default/two unchanged\n',
    )
  })

  it('sends an archive that is another one', async () => {
    await packConnector(join(CONNECTORS, 'netty'), join(dir, 'netty.tgz'))
    await writeFile(
      join(dir, 'q.yaml'),
      '{ kind: source, name: net, archive: netty.tgz, topicName: t, configs: { type: http, port: 0 } }',
    )
    expect((await cli('apply -f q.yaml')).code).toBe(0)
    await repacked(join(dir, 'netty.tgz'))
    const [result] = JSON.parse((await cli('apply -f q.yaml')).stdout)
    expect(result).toMatchObject({ action: 'updated', changes: [{ path: 'archive' }] })
  })

  it('checks the whole file before it sends anything', async () => {
    await writeFile(
      join(dir, 'bad.yaml'),
      `${pipeline(3)}---\nkind: sink\nname: three\narchive: builtins/file.tgz\ninputs: [in]\nconfigs: { pth: x }\n`,
    )
    const { code, stderr } = await cli('apply -f bad.yaml')
    expect(code).toBe(2)
    expect(stderr).toMatch(/bad\.yaml:\d+ pth: not an option; did you mean path\?/)
    expect(JSON.parse((await cli('sinks get one')).stdout)).toMatchObject({ parallelism: 2 })
  })

  it('goes on with the others when the worker refuses one', async () => {
    await writeFile(
      join(dir, 'mixed.yaml'),
      '- { kind: sink, name: x1, archive: "builtin://nope", inputs: [in] }\n- { kind: sink, name: x2, archive: "builtin://file", inputs: [in], configs: { path: x2.out } }\n',
    )
    const { code, stdout, stderr } = await cli('apply -f mixed.yaml')
    expect({ code, actions: JSON.parse(stdout) }).toMatchObject({ code: 1, actions: [{ name: 'public/default/x2' }] })
    expect(stderr).toMatch(/^sink public\/default\/x1: error: Built-in sink is not available/)
  })
})

/** Other bytes with the same content. */
async function repacked(path: string): Promise<void> {
  await writeFile(path, gzipSync(gunzipSync(await readFile(path)), { level: 1 }))
}

describe('mistakes', () => {
  it.each([
    ['sinks create --archive nope.tgz --inputs a', 3, /nope\.tgz: there is no such file/],
    [
      'sinks create --archive builtins/file.tgz --inputs a --sink-config {"pth":1}',
      2,
      /pth: not an option.*\n.*path: required/,
    ],
    ['sinks create --archive builtins --inputs a', 3, /builtins/],
    ['sinks update --parallelism 2', 2, /--name: required/],
    ['sinks status', 2, /--name: required: the connector/],
    ['sinks get a/b', 2, /NAME or tenant\/namespace\/NAME/],
    ['sinks get a --name b', 2, /--name: says b, but the argument says a/],
    ['sinks list --output xml --request-timeout soon', 2, /2 problems[\s\S]*--request-timeout[\s\S]*--output/],
    ['sinks list --client-auth-params token:x', 2, /needs --client-auth-plugin/],
    ['sinks list --client-auth-plugin oauth2', 2, /not supported for the admin interface/],
    [
      'sinks list --client-auth-plugin token --client-auth-params token:${env:NOT_SET_HERE}',
      2,
      /NOT_SET_HERE is not set/,
    ],
    ['sinks list --tls-trust-cert-path nowhere.pem', 2, /cannot read nowhere\.pem: there is no such file/],
    ['apply', 2, /--file: required/],
    ['sinks logs nope', 1, /Sink nope doesn't exist/],
  ])('%s', async (line, code, message) => {
    const ended = await cli(line)
    expect(ended.stderr).toMatch(message)
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' })
  })

  it('a worker that is not there', async () => {
    const ended = await run(dir, ['sinks', 'list', '--admin-url', 'http://127.0.0.1:2'])
    expect(ended).toMatchObject({ code: 4, stdout: '' })
    expect(ended.stderr).toMatch(/cannot reach http:\/\/127\.0\.0\.1:2: .*`runtime worker --port 2` starts one/)
  })
})

describe('a worker that wants to know who asks', () => {
  const secret = 'a secret of thirty-two characters'
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = (claims: object) => {
    const text = `${part({ alg: 'HS256' })}.${part(claims)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }

  it('is told by token, or by name and password', async () => {
    await writeFile(join(dir, 'secret.key'), secret)
    await writeFile(join(dir, 'users'), 'ann:wonderland\n')
    await writeFile(join(dir, 'token'), `${signed({ sub: 'bob' })}\n`)
    const flags = ['--token-secret-key', 'secret.key', '--basic-auth-file', 'users', '--superuser-roles', 'ann,bob']
    const guarded = start(dir, [
      'worker',
      '--port',
      '0',
      '--data-dir',
      'guarded',
      '--work-dir',
      'guarded-work',
      ...flags,
    ])
    try {
      const [address] = await guarded.saw(/^http:\S+$/m)
      const list = (...login: readonly string[]) =>
        run(dir, ['sinks', 'list', '--admin-url', address, ...login.flatMap((text, i) => [LOGIN[i] ?? '', text])])
      const refused = await list()
      expect(refused).toMatchObject({ code: 2, stdout: '' })
      expect(refused.stderr).toMatch(/does not let us in: .*\[PIO_ADMIN_AUTH\]/)
      expect(await list('token', 'file:token')).toMatchObject({ code: 0, stdout: '[]\n' })
      expect(await list('token', `token:${signed({ sub: 'bob' })}`)).toMatchObject({ code: 0 })
      expect(await list('basic', 'userId:ann,password:wonderland')).toMatchObject({ code: 0 })
      expect(await list('basic', '{"userId":"ann","password":"wrong"}')).toMatchObject({ code: 2 })
      const expired = await list('token', signed({ sub: 'bob', exp: 1 }))
      expect(expired.code).toBe(2)
      expect(expired.stderr).not.toContain(signed({ sub: 'bob', exp: 1 }))
    } finally {
      guarded.child.kill('SIGTERM')
      await guarded.ended
    }
  })
})

const LOGIN = ['--client-auth-plugin', '--client-auth-params']

describe('dead letters', () => {
  it('are listed, and written once what refused them is put right', { timeout: 180_000 }, async () => {
    const records = ['{"phone":"030 123456"}', '{"phone":"call\\u001b me"}', '{"phone":"ask Bob"}']
    await run(dir, ['topics', 'produce', 'calls'], `${records.join('\n')}\n`)
    const phone = ['--transform', 'phone:phone;country=DE', '--subs-position', 'Earliest', '--wait']
    await cli('sinks create --sink-type file --name calls --inputs calls', ...options('calls.out'), ...phone)
    const letters = async () => JSON.parse((await cli('sinks dlq list calls')).stdout) as object[]
    while ((await letters()).length < 2) await new Promise(resolve => setTimeout(resolve, 100))
    expect((await letters())[0]).toMatchObject({ topic: 'persistent://public/default/calls', code: 'PIO_TRANSFORM' })
    expect((await letters())[0]).not.toHaveProperty('preview')
    const shown = await cli('sinks dlq list calls --limit 1 --show-values --output table')
    expect(shown.stdout).toMatch(
      /^TIME +TOPIC +POSITION +CODE +VALUE +REASON\n\S+Z +persistent:\S+calls +\d\S+ +PIO_TRANSFORM +\{"phone":"call\\u001b me"\} +transform 1 \(phone\): .*\n$/,
    )
    expect(shown.stderr).toBe('there are more: --limit shows up to 1000\n')

    await cli('sinks update --name calls --transform drop:phone --wait')
    expect(JSON.parse((await cli('sinks dlq replay calls --dry-run')).stdout)).toMatchObject({
      dryRun: true,
      replayed: 2,
    })
    const dry = await cli('sinks dlq replay calls --dry-run --output table')
    expect(dry).toEqual({ code: 0, stdout: '2 dead letters would be replayed\n', stderr: '' })
    const one = await cli('sinks dlq replay calls --limit 1')
    expect(JSON.parse(one.stdout)).toEqual({ replayed: 1, refused: 0, reasons: [] })
    expect(await cli('sinks dlq replay public/default/calls --output table')).toMatchObject({
      stdout: '1 dead letter replayed\n',
    })
    expect(await letters()).toEqual([])
    while ((await readFile(join(dir, 'calls.out'), 'utf8')).split('\n').length < 4) {
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    expect(await readFile(join(dir, 'calls.out'), 'utf8')).toBe('{"phone":"+4930123456"}\n{}\n{}\n')
    expect(await cli('sources dlq list calls')).toMatchObject({ code: 1, stdout: '' })
  })

  it("are not to be had from Pulsar's own worker, and neither is a pause", async () => {
    const other = createServer((_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'))
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    try {
      for (const line of ['sinks dlq list a', 'sinks dlq replay a', 'sources dlq list a']) {
        const ended = await run(dir, [...line.split(' '), '--admin-url', address])
        expect(ended).toMatchObject({ code: 2, stdout: '' })
        expect(ended.stderr).toContain(`${address} has no dead letters to show; only this project's worker does`)
      }
      const paused = await run(dir, ['sources', 'pause', 'a', '--admin-url', address])
      expect(paused).toMatchObject({ code: 2, stdout: '' })
      expect(paused.stderr).toContain(`${address} cannot pause or resume; only this project's worker does`)
    } finally {
      other.close()
    }
  })
})

describe('what goes on', () => {
  it('follows logs and status until it is stopped', { timeout: 180_000 }, async () => {
    await cli('sinks create --sink-type file --name logged --inputs in --wait', ...options('logged.out'))
    const logs = start(dir, ['sinks', 'logs', 'logged', '--follow', '--admin-url', url])
    await logs.saw(/"msg":"running"/)
    const watch = start(dir, ['sinks', 'status', 'logged', '--watch', '--interval', '100ms', '--admin-url', url])
    await watch.saw(/"numInstances"[\s\S]*"numInstances"/)
    await cli('sinks restart logged --wait')
    await logs.saw(/"msg":"running"[\s\S]*"msg":"running"/)
    logs.child.kill('SIGINT')
    watch.child.kill('SIGTERM')
    expect([(await logs.ended).code, (await watch.ended).code]).toEqual([0, 0])
  })
})
