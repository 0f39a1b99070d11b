import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Running, start } from './cli.ts'

const pem = (name: string) => fileURLToPath(new URL(`../../../tooling/services/tls/${name}.pem`, import.meta.url))

let folder: string
let running: Running[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pio-worker-cli-'))
  running = []
})
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.map(each => each.ended))
  rmSync(folder, { recursive: true, force: true })
})

const path = (name: string) => join(folder, name)

function worker(...args: string[]): Running {
  const started = start(folder, ['worker', ...args])
  running.push(started)
  return started
}

/** The status of an answer over TLS. */
function secureStatus(url: string, headers: { readonly [name: string]: string }): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { ca: readFileSync(pem('ca')), servername: 'localhost', headers }, response => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

describe('runtime worker', () => {
  it('prints its address, takes requests, and ends in good order', async () => {
    const started = worker('--port', '0', '--log-format', 'json')
    const [url] = await started.saw(/^http:\/\/127\.0\.0\.1:\d+/m)
    expect(await (await fetch(`${url}/readyz`)).json()).toBe(true)
    started.child.kill('SIGTERM')
    const { code, stdout } = await started.ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${url}\n` })
  })

  it('speaks TLS, and asks for passwords of a file', async () => {
    writeFileSync(path('users'), '# users\nadmin:secret-of-admin\nother:secret-of-other\n')
    const tls = ['--tls-cert', pem('server'), '--tls-key', pem('server')]
    const roles = ['--basic-auth-file', 'users', '--superuser-roles', 'admin']
    const started = worker('--port', '0', ...tls, ...roles)
    const [url] = await started.saw(/^https:\/\/127\.0\.0\.1:\d+/m)
    const as = (user: string) => ({ authorization: `Basic ${Buffer.from(user).toString('base64')}` })
    const cluster = `${url}/admin/v2/worker/cluster`
    expect(await secureStatus(cluster, {})).toBe(401)
    expect(await secureStatus(cluster, as('other:secret-of-other'))).toBe(401)
    expect(await secureStatus(cluster, as('admin:secret-of-admin'))).toBe(200)
  })

  it('tells everything that is wrong with its flags, and shows no password', async () => {
    writeFileSync(path('users'), 'hunter2\n')
    const { code, stderr } = await worker(
      ...['--port', '70000', '--basic-auth-file', 'users', '--authorize', 'nonsense', '--tls-cert', pem('server')],
      ...['--token-secret-key', 'nope.key', '--metadata-namespace', 'x', '--max-upload-size', 'big'],
    ).ended
    expect(code).toBe(2)
    const flags = [
      '--port',
      '--basic-auth-file',
      '--authorize',
      '--tls-key',
      '--token-secret-key',
      '--metadata-namespace',
      '--max-upload-size',
    ]
    for (const flag of flags) expect(stderr).toContain(`  ${flag}: `)
    expect(stderr).not.toContain('hunter2')
  })

  it('refuses to let everybody in, with roles that nobody can have, or a port that is taken', async () => {
    const open = await worker('--host', '0.0.0.0', '--port', '0').ended
    expect({ code: open.code, stderr: open.stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('[PIO_WORKER_INSECURE]'),
    })
    const roles = await worker('--superuser-roles', 'admin').ended
    expect({ code: roles.code, stderr: roles.stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('--superuser-roles: '),
    })
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const taken = await worker('--port', String(port)).ended
    server.close()
    expect({ code: taken.code, stderr: taken.stderr }).toEqual({
      code: 4,
      stderr: expect.stringContaining('[PIO_PORT_IN_USE]'),
    })
  })
})
