import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type AdminError, type AdminOptions, createAdmin, isAdminError, lastError, untilRunning } from '../src/index.ts'
import { JETTY_404, type Reply, reason, recordedServer } from './recorded.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function serverWith(...replies: Parameters<typeof recordedServer>) {
  const server = await recordedServer(...replies)
  closing.push(server.close)
  return server
}

async function adminOf(replies: Parameters<typeof recordedServer>, options: AdminOptions = {}) {
  const server = await serverWith(...replies)
  return { admin: createAdmin({ url: server.url, ...options }), server }
}

async function failureOf(promise: Promise<unknown>): Promise<AdminError> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (each: unknown) => each,
  )
  if (!isAdminError(error)) throw error
  return error
}

async function archive(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'admin-client-'))
  closing.push(() => rm(folder, { recursive: true }))
  const path = join(folder, 'es.tgz')
  await writeFile(path, content)
  return path
}

const CREATED: Reply = { status: 204 }

describe('requests', () => {
  it('asks by the paths that pulsar-admin uses', async () => {
    const { admin, server } = await adminOf([{ status: 200, body: '[]' }])
    await admin.sinks.list()
    await admin.sources.list('sales/eu')
    await admin.sinks.get('es')
    await admin.sinks.get('sales/eu/es')
    await admin.sources.status({ tenant: 'sales', name: 'a b' })
    await admin.sources.status('netty', 2)
    await admin.sinks.stop('es')
    await admin.sinks.start('es', 1)
    await admin.sinks.restart('es')
    await admin.sinks.delete('es')
    await admin.sinks.available()
    await admin.sources.available()
    await admin.sinks.options('jdbc-sqlite')
    await admin.sinks.reload()
    await admin.sources.reload()
    await admin.worker.cluster()
    await admin.worker.leader()
    await admin.worker.assignments()
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /admin/v3/sink/public/default',
      'GET /admin/v3/source/sales/eu',
      'GET /admin/v3/sink/public/default/es',
      'GET /admin/v3/sink/sales/eu/es',
      'GET /admin/v3/source/sales/default/a%20b/status',
      'GET /admin/v3/source/public/default/netty/2/status',
      'POST /admin/v3/sink/public/default/es/stop',
      'POST /admin/v3/sink/public/default/es/1/start',
      'POST /admin/v3/sink/public/default/es/restart',
      'DELETE /admin/v3/sink/public/default/es',
      'GET /admin/v3/sink/builtinsinks',
      'GET /admin/v3/source/builtinsources',
      'GET /admin/v3/sink/builtinsinks/jdbc-sqlite/configdefinition',
      'POST /admin/v3/sink/reloadBuiltInSinks',
      'POST /admin/v3/source/reloadBuiltInSources',
      'GET /admin/v2/worker/cluster',
      'GET /admin/v2/worker/cluster/leader',
      'GET /admin/v2/worker/assignments',
    ])
  })

  it("asks this project's worker for dead letters, and to replay them", async () => {
    const { admin, server } = await adminOf([{ status: 200, body: '{"letters":[],"more":false}' }])
    expect(await admin.sinks.deadLetters('es')).toEqual({ letters: [], more: false })
    await admin.sources.deadLetters('netty', { limit: 5, showValues: true })
    await admin.sinks.replayDeadLetters('es', { limit: 7, before: 1700000000000, dryRun: true })
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /admin/v3/sink/public/default/es/dead-letters',
      'GET /admin/v3/source/public/default/netty/dead-letters?limit=5&showValues=true',
      'POST /admin/v3/sink/public/default/es/dead-letters/replay?limit=7&before=1700000000000&dryRun=true',
    ])
  })

  it('keeps the path of a server that a proxy serves below one', async () => {
    const server = await serverWith({ status: 200, body: '[]' })
    await createAdmin({ url: `${server.url}/workers/` }).sinks.list()
    expect(server.requests[0]?.path).toBe('/workers/admin/v3/sink/public/default')
  })

  it('sends an archive of this machine as the part "data", and the configuration without a file name', async () => {
    const { admin, server } = await adminOf([CREATED])
    const path = await archive('bytes of an archive')
    await admin.sinks.create({ name: 'es', inputs: ['orders'], configs: { port: 9200 } }, { archive: path })
    const [{ method, path: asked, headers, body } = { method: '', path: '', headers: {}, body: '' }] = server.requests
    expect(`${method} ${asked}`).toBe('POST /admin/v3/sink/public/default/es')
    const boundary = /^multipart\/form-data; boundary=(\S+)$/.exec(headers['content-type'] ?? '')?.[1]
    const config = JSON.stringify({
      name: 'es',
      inputs: ['orders'],
      configs: { port: 9200 },
      tenant: 'public',
      namespace: 'default',
      archive: path,
    })
    expect(body.split('\r\n')).toEqual([
      `--${boundary}`,
      'Content-Disposition: form-data; name="sinkConfig"',
      'Content-Type: application/json',
      '',
      config,
      `--${boundary}`,
      'Content-Disposition: form-data; name="data"; filename="es.tgz"',
      'Content-Type: application/octet-stream',
      '',
      'bytes of an archive',
      `--${boundary}--`,
      '',
    ])
    expect(headers['content-length']).toBe(String(body.length))
  })

  it.each([
    ['builtin://file', undefined],
    ['https://example.org/es.tgz', 'https://example.org/es.tgz'],
    ['file:///opt/es.nar', 'file:///opt/es.nar'],
  ])('leaves %s to the server', async (given, url) => {
    const { admin, server } = await adminOf([CREATED])
    await admin.sources.create({ name: 'a', topicName: 't' }, { archive: given })
    const body = server.requests[0]?.body ?? ''
    expect(body).toContain(`"archive":"${given}"`)
    expect(body).not.toContain('name="data"')
    expect(/name="url"\r\nContent-Type: text\/plain\r\n\r\n(.*)\r\n/.exec(body)?.[1]).toBe(url)
  })

  it('says sinkType as an archive, as pulsar-admin does', async () => {
    const { admin, server } = await adminOf([CREATED])
    await admin.sinks.create({ name: 'a', sinkType: 'file' })
    expect(server.requests[0]?.body).toContain('"archive":"builtin://file"')
    expect(server.requests[0]?.body).not.toContain('sinkType')
  })

  it('updates by PUT, with options only where there are any', async () => {
    const { admin, server } = await adminOf([CREATED])
    await admin.sinks.update({ name: 'es', parallelism: 2 })
    await admin.sinks.update({ name: 'es', parallelism: 2 }, { updateAuthData: true })
    expect(server.requests.map(({ method }) => method)).toEqual(['PUT', 'PUT'])
    expect(server.requests[0]?.body).not.toContain('updateOptions')
    expect(server.requests[1]?.body).toContain('{"updateAuthData":true}')
  })

  it('sends transforms only to a worker that knows them: another would ignore them', async () => {
    const config = { name: 'es', transforms: ['drop:email'] }
    const pulsar = await adminOf([JETTY_404, CREATED])
    const error = await failureOf(pulsar.admin.sinks.create(config))
    expect(error.message).toMatch(/would ignore the transforms, and records would arrive as they are/)
    expect(pulsar.server.requests.map(({ path }) => path)).toEqual(['/openapi.json'])

    const own = await adminOf([{ status: 200, body: '{"info":{"title":"Pulsar IO worker"}}' }, CREATED])
    await own.admin.sinks.update(config)
    expect(own.server.requests[1]?.body).toContain('"transforms":["drop:email"]')
    // Where there are none, nobody is asked.
    await own.admin.sinks.update({ name: 'es', transforms: [] })
    expect(own.server.requests).toHaveLength(3)
  })

  it('tells who asks', async () => {
    const server = await serverWith({ status: 200, body: '[]' })
    let n = 0
    const token = createAdmin({ url: server.url, token: () => `token-${++n}\n` })
    await token.sinks.list()
    await token.sinks.list()
    await createAdmin({ url: server.url, basic: { user: 'ann', password: 'pässword' } }).sinks.list()
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
      `Basic ${Buffer.from('ann:pässword').toString('base64')}`,
    ])
    expect(server.requests[2]?.headers['x-pulsar-auth-method-name']).toBe('basic')
  })
})

describe('a server that is not ready', () => {
  it('is asked again, with the whole of an upload', async () => {
    const busy = { ...reason(503, 'Leader not yet ready. Please retry again'), headers: { 'retry-after': '0' } }
    const { admin, server } = await adminOf([busy, busy, CREATED])
    await admin.sinks.create({ name: 'es' }, { archive: await archive('bytes of an archive') })
    expect(server.requests).toHaveLength(3)
    expect(server.requests[2]?.body).toContain('bytes of an archive')
  })

  it('is given up when the time is over, with what it said last', async () => {
    const { admin } = await adminOf([reason(503, 'Leader not yet ready. Please retry again')], { timeoutMs: 300 })
    const error = await failureOf(admin.sinks.list())
    expect(error).toMatchObject({ code: 'PIO_ADMIN_NOT_READY', status: 503, retry: 'reconnect' })
    expect(error.message).toMatch(/Leader not yet ready/)
  })
})

describe('redirects to another worker', () => {
  it('are followed with login and body', async () => {
    const owner = await serverWith(CREATED)
    const { admin } = await adminOf(
      [{ status: 307, headers: { location: `${owner.url}/admin/v3/sink/public/default/es` } }],
      { token: 'secret' },
    )
    await admin.sinks.update({ name: 'es', parallelism: 2 })
    expect(owner.requests).toHaveLength(1)
    expect(owner.requests[0]).toMatchObject({ method: 'PUT', headers: { authorization: 'Bearer secret' } })
    expect(owner.requests[0]?.body).toContain('"parallelism":2')
  })

  it('end when they lead in a circle', async () => {
    const { admin, server } = await adminOf([{ status: 307, headers: { location: '/again' } }])
    const error = await failureOf(admin.sinks.list())
    expect(error.code).toBe('PIO_ADMIN_ANSWER')
    expect(server.requests.length).toBeLessThan(10)
  })
})

describe('errors', () => {
  it.each([
    [
      reason(404, "Sink es doesn't exist"),
      'PIO_ADMIN_NOT_FOUND',
      /^Sink es doesn't exist \(GET \/admin\/v3\/sink\/public\/default\/es answered 404\)$/,
    ],
    [reason(400, 'Tenant does not exist'), 'PIO_ADMIN_REFUSED', /^Tenant does not exist \(GET/],
    [reason(401, 'client is not authorized'), 'PIO_ADMIN_AUTH', /does not let us in: client is not authorized/],
    [reason(403, 'no'), 'PIO_ADMIN_REFUSED', /has no permission/],
    [reason(500, 'java.lang.NullPointerException'), 'PIO_ADMIN_SERVER', /failed: java\.lang\.NullPointer/],
    [JETTY_404, 'PIO_ADMIN_NOT_FOUND', /Not Found .*; is http:\/\/127\.0\.0\.1:\d+ a worker\?/],
    [{ status: 400, body: 'plain words' }, 'PIO_ADMIN_REFUSED', /^plain words \(/],
    [
      reason(400, 'configs.a: required\nconfigs.b: required'),
      'PIO_ADMIN_REFUSED',
      /^several things are wrong \(.*\):\nconfigs.a: required\nconfigs.b: required$/,
    ],
    [{ status: 200, body: '<html>' }, 'PIO_ADMIN_ANSWER', /is not JSON; is it a worker\?/],
  ] as const)('says what the server answers (%#)', async (reply, code, message) => {
    const { admin } = await adminOf([reply])
    const error = await failureOf(admin.sinks.get('es'))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(error).toMatchObject({ method: 'GET', path: '/admin/v3/sink/public/default/es' })
  })

  it('reads no more of a refusal than it needs', async () => {
    const endless = (response: ServerResponse) => {
      response.writeHead(400)
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(1 << 16)));
      }
      response.on('drain', more)
      more()
    }
    const { admin } = await adminOf([endless], { timeoutMs: 5000 })
    const error = await failureOf(admin.sinks.get('es'))
    expect(error.code).toBe('PIO_ADMIN_REFUSED')
    expect(error.message.length).toBeLessThan(10_000)
  })

  it('names the address where nobody listens, and what starts a worker', async () => {
    const server = await recordedServer(CREATED)
    await server.close()
    const error = await failureOf(createAdmin({ url: server.url }).sinks.list())
    expect(error).toMatchObject({ code: 'PIO_ADMIN_UNREACHABLE', retry: 'reconnect' })
    const { port } = new URL(server.url)
    expect(error.message).toContain(`cannot reach ${server.url}: nobody listens`)
    expect(error.message).toContain(`runtime worker --port ${port}`)
  })

  it('says so when the server hangs up, or does not answer in time', async () => {
    const hangingUp = await adminOf([response => response.destroy()])
    expect((await failureOf(hangingUp.admin.sinks.list())).code).toBe('PIO_ADMIN_UNREACHABLE')
    const silent = await adminOf([() => undefined], { timeoutMs: 100 })
    expect((await failureOf(silent.admin.sinks.list())).code).toBe('PIO_ADMIN_TIMEOUT')
  })

  it('ends with the signal of the client or of the call', async () => {
    const { admin } = await adminOf([() => undefined], { signal: AbortSignal.abort(new Error('enough')) })
    await expect(admin.sinks.list()).rejects.toThrow('enough')
    const other = await adminOf([reason(503, 'not yet')])
    const controller = new AbortController()
    const asked = other.admin.sinks.list('a/b', { signal: controller.signal })
    controller.abort(new Error('no more'))
    await expect(asked).rejects.toThrow('no more')
  })

  it.each([
    [{ url: 'pulsar://x:6650' }, /pulsar:\/\/ is not spoken/],
    [{ url: 'nonsense' }, /is not a URL/],
    [{ url: 'http://ann:pw@x:1' }, /holds a user or password/],
    [{ url: 'http://x:1', tls: { ca: 'pem' } }, /no https address/],
    [{ token: 'a', basic: { user: 'a', password: 'b' } }, /one of them has to go/],
  ] as const)('refuses options that cannot be meant (%#)', (options, message) => {
    expect(() => createAdmin(options)).toThrow(message)
    // A password is not repeated.
    expect(() => createAdmin(options)).not.toThrow(/pw/)
  })

  it.each(['', 'a/b', 'a//b', '..', 'a/../b'])('refuses the name %j', async name => {
    const { admin, server } = await adminOf([CREATED])
    expect((await failureOf(admin.sinks.delete(name))).code).toBe('PIO_ADMIN_OPTIONS')
    expect(server.requests).toEqual([])
  })

  it('never shows a token that cannot be one', async () => {
    const { admin, server } = await adminOf([CREATED], { token: 'sec ret' })
    const error = await failureOf(admin.sinks.list())
    expect(error.code).toBe('PIO_ADMIN_OPTIONS')
    expect(error.message).not.toContain('sec')
    expect(server.requests).toEqual([])
  })

  it('sends nothing when the archive is not there', async () => {
    const { admin, server } = await adminOf([CREATED])
    const error = await failureOf(admin.sinks.create({ name: 'a' }, { archive: '/nowhere/a.tgz' }))
    expect(error.message).toBe('cannot read the archive /nowhere/a.tgz: there is no such file')
    expect(server.requests).toEqual([])
  })
})

describe('untilRunning', () => {
  const config: Reply = { status: 200, body: '{"name":"es","parallelism":2}' }
  const instance = (instanceId: number, running: boolean, error = '') => ({ instanceId, status: { running, error } })
  const status = (...instances: ReturnType<typeof instance>[]): Reply => {
    const numRunning = instances.filter(each => each.status.running).length
    return { status: 200, body: JSON.stringify({ numInstances: instances.length, numRunning, instances }) }
  }

  it('waits for every instance that the configuration asks for', async () => {
    const { admin, server } = await adminOf([
      config,
      status(),
      status(instance(0, true)),
      status(instance(0, true), instance(1, false, 'no route')),
      status(instance(0, true), instance(1, true)),
    ])
    const errors: string[] = []
    const found = await untilRunning(admin.sinks, 'es', { intervalMs: 1, onError: error => errors.push(error) })
    expect(found.numRunning).toBe(2)
    expect(errors).toEqual(['no route'])
    expect(server.requests).toHaveLength(5)
  })

  it('gives up with the last error', async () => {
    const { admin } = await adminOf([config, status(instance(0, false, 'wrong password'))])
    const error = await failureOf(untilRunning(admin.sinks, 'es', { intervalMs: 1, timeoutMs: 20 }))
    expect(error).toMatchObject({ code: 'PIO_ADMIN_NOT_RUNNING', reason: 'wrong password' })
    expect(error.message).toBe('public/default/es does not run (0 of 1 instances run): wrong password')
  })

  it('takes the newest failure that is remembered where no error is given', () => {
    const failure = (exceptionString: string, timestampMs: number) => ({ exceptionString, timestampMs })
    const found = lastError({
      numInstances: 1,
      numRunning: 0,
      instances: [
        {
          instanceId: 0,
          status: {
            running: false,
            error: '',
            latestSystemExceptions: [failure('old', 1), failure('new', 3)],
            latestSinkExceptions: [failure('middle', 2)],
          },
        },
      ],
    })
    expect(found).toBe('new')
  })
})
