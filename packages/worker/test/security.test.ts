import { generateKeyPairSync, randomBytes, scryptSync } from 'node:crypto'
import { connect } from 'node:net'
import { SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AuthOptions, startWorker } from '../src/index.ts'
import { call, Place } from './support.ts'

let place: Place

beforeEach(() => {
  place = new Place()
})
afterEach(() => place.close())

const SECRET = randomBytes(32)
const token = (role: string, expires = '1h', key: Uint8Array = SECRET) =>
  new SignJWT({ sub: role }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(expires).sign(key)
const bearer = async (role: string, ...rest: [string?, Uint8Array?]) => ({
  authorization: `Bearer ${await token(role, ...rest)}`,
})
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

const AUTH: AuthOptions = {
  token: { secretKey: SECRET },
  basic: new Map([
    ['ann', 'secret-of-ann'],
    [
      'bob',
      `scrypt:${Buffer.from('salt').toString('base64')}:${scryptSync('secret-of-bob', 'salt', 32).toString('base64')}`,
    ],
  ]),
  superUserRoles: ['admin'],
  grants: [
    { role: 'team', tenant: 'public', namespace: 'default' },
    { role: 'ann', tenant: 'acme' },
  ],
}

describe('a worker without authentication', () => {
  it('refuses to listen where others reach it', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com']) {
      await expect(startWorker({ host, port: 0, log: () => undefined })).rejects.toMatchObject({
        code: 'PIO_WORKER_INSECURE',
      })
    }
  })

  it('lets no page of another origin in, and no name that was made to mean this machine', async () => {
    const worker = await place.worker()
    const path = '/admin/v3/sinks/public/default'
    expect((await call(worker, 'GET', path, undefined, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await call(worker, 'GET', path, undefined, { origin: worker.url })).status).toBe(200)
    expect(
      await raw(worker.port, `GET ${path} HTTP/1.1\r\nHost: evil.example:${worker.port}\r\nConnection: close\r\n\r\n`),
    ).toMatch(/^HTTP\/1.1 403/)
  })
})

describe('a worker with authentication', () => {
  it('wants to know who asks, but not for its health', async () => {
    const worker = await place.worker({ auth: AUTH })
    const path = '/admin/v3/sinks/public/default'
    const nobody = await call(worker, 'GET', path)
    expect(nobody.status).toBe(401)
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer, Basic realm="worker"')
    for (const headers of [
      await bearer('admin', '-1h'),
      await bearer('admin', '1h', randomBytes(32)),
      {
        authorization: `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"admin"}').toString('base64url')}.`,
      },
      { authorization: 'Bearer' },
      { authorization: 'nonsense' },
      basic('ann', 'wrong'),
      basic('bob', ''),
      basic('nobody', ''),
    ]) {
      expect((await call(worker, 'GET', path, undefined, headers)).status).toBe(401)
    }
    for (const path of ['/healthz', '/readyz', '/initialized', '/openapi.json']) {
      expect((await call(worker, 'GET', path)).status, path).toBe(200)
    }
    expect((await call(worker, 'GET', '/metrics')).status).toBe(401)
    expect((await call(worker, 'GET', '/metrics', undefined, basic('bob', 'secret-of-bob'))).status).toBe(200)
  })

  it('takes no password that a browser adds to the requests of another page', async () => {
    const worker = await place.worker({ auth: AUTH })
    const send = (origin: string, headers: { readonly authorization: string }) =>
      call(worker, 'GET', '/admin/v3/sinks/acme/default', undefined, { ...headers, origin })
    const ann = basic('ann', 'secret-of-ann')
    for (const origin of ['https://evil.test', 'null']) expect((await send(origin, ann)).status, origin).toBe(403)
    expect((await send(`http://127.0.0.1:${worker.port}`, ann)).status).toBe(200)
    expect((await send('https://tools.test', await bearer('admin'))).status).toBe(200)
  })

  it('gives each role what it may have', async () => {
    const worker = await place.worker({ auth: AUTH })
    const may = async (headers: { readonly authorization: string }, method: string, path: string) =>
      (await call(worker, method, path, undefined, headers)).status !== 401
    const own = '/admin/v3/sinks/public/default'
    const other = '/admin/v3/sinks/acme/eu'
    const cluster = '/admin/v2/worker/cluster'
    const reload = '/admin/v3/sinks/reloadBuiltInSinks'
    const table: readonly (readonly [{ readonly authorization: string }, boolean, boolean, boolean])[] = [
      [await bearer('admin'), true, true, true],
      [await bearer('team'), true, false, false],
      [basic('ann', 'secret-of-ann'), false, true, false],
      [basic('bob', 'secret-of-bob'), false, false, false],
    ]
    for (const [headers, mayOwn, mayOther, maySuper] of table) {
      expect(await may(headers, 'GET', own)).toBe(mayOwn)
      expect(await may(headers, 'GET', other)).toBe(mayOther)
      expect(await may(headers, 'DELETE', `${own}/x`)).toBe(mayOwn)
      expect(await may(headers, 'GET', cluster)).toBe(maySuper)
      expect(await may(headers, 'POST', reload)).toBe(maySuper)
    }
    expect(await may(await bearer('team'), 'GET', '/admin/v3/sinks/public/other')).toBe(false)
    expect(await may(await bearer('team'), 'POST', '/admin/v3/sources/public/other/x/restart')).toBe(false)
    // What a path says in another way is the same path.
    expect(await may(await bearer('team'), 'GET', '/admin/v3/sinks/acme%2Feu')).toBe(true)
    expect(
      (await call(worker, 'GET', '/admin/v3/sinks/public%2Fdefault', undefined, await bearer('team'))).status,
    ).toBe(404)
  })

  it('names in the audit trail and the log who did it, and no credentials', async () => {
    const worker = await place.worker({ auth: AUTH })
    const headers = await bearer('team')
    await call(worker, 'POST', '/admin/v3/sinks/public/default/s?token=abc', place.sink(), headers)
    const log = JSON.stringify(place.logs)
    expect(log).toContain('"role":"team"')
    expect(log).not.toContain(headers.authorization.slice(10))
    expect(log).not.toContain('token=abc')
  })

  it('takes tokens of a public key, for the audience that was asked for', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const worker = await place.worker({
      auth: {
        token: { publicKey: publicKey.export({ format: 'der', type: 'spki' }), audience: 'here' },
        superUserRoles: ['admin'],
      },
    })
    const signed = (audience: string) =>
      new SignJWT({ sub: 'admin', aud: audience }).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
    const status = async (text: string) =>
      (await call(worker, 'GET', '/admin/v2/worker/cluster', undefined, { authorization: `Bearer ${text}` })).status
    expect(await status(await signed('here'))).toBe(200)
    expect(await status(await signed('there'))).toBe(401)
    // A public key is no secret: nobody may sign with it.
    const forged = await new SignJWT({ sub: 'admin', aud: 'here' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(publicKey.export({ format: 'der', type: 'spki' }))
    expect(await status(forged)).toBe(401)
  })

  it('refuses keys that are none', async () => {
    const auths: readonly AuthOptions[] = [
      {},
      { superUserRoles: ['admin'] },
      { token: { secretKey: randomBytes(8) } },
      { token: { publicKey: Buffer.from('nonsense') } },
    ]
    for (const auth of auths) await expect(place.worker({ auth })).rejects.toMatchObject({ code: 'PIO_WORKER_AUTH' })
  })
})

describe('limits', () => {
  it('of requests in a second', async () => {
    const worker = await place.worker({ limits: { requestsPerSecond: 5 } })
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => call(worker, 'GET', '/admin/v3/sinks/public/default')),
    )
    expect(answers.some(({ status }) => status === 429)).toBe(true)
    expect(answers.every(({ status }) => status === 200 || status === 429)).toBe(true)
  })

  it('of requests in a second, also of those whose credentials are wrong or whose path is none', async () => {
    const worker = await place.worker({ auth: AUTH, limits: { requestsPerSecond: 5 } })
    for (const path of ['/admin/v3/sinks/public/default', '/nothing']) {
      const answers = await Promise.all(
        Array.from({ length: 30 }, () => call(worker, 'GET', path, undefined, basic('bob', 'guess'))),
      )
      expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0)
    }
  })

  it('of a configuration, and of the time that a head may take', async () => {
    const worker = await place.worker({ limits: { requestsPerSecond: 0, bodyBytes: 1_000, headersTimeoutMs: 200 } })
    const large = place.sink({ configs: { file: 'x'.repeat(2_000) } })
    expect((await call(worker, 'POST', '/admin/v3/sinks/public/default/s', large)).status).toBe(413)
    expect(await raw(worker.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n')).toMatch(/^(HTTP\/1.1 408|$)/)
  })
})

describe('requests', () => {
  it('have an id that comes back', async () => {
    const worker = await place.worker()
    const given = await call(worker, 'GET', '/healthz', undefined, { 'x-request-id': 'abc-1' })
    expect(given.headers.get('x-request-id')).toBe('abc-1')
    const odd = await call(worker, 'GET', '/healthz', undefined, { 'x-request-id': 'a b<c>' })
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

/** What a server sends to a client that writes this and nothing else. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', chunk => {
      answer += chunk
    })
    socket.on('end', () => resolve(answer))
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
