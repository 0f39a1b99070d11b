import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Server } from '../server.ts'
import { codes, failure, openSink, type RawConfig, recordsOf } from '../support.ts'

const secured = await service('cassandra-secured')
const plain = await service('cassandra')
const pem = (name: string): string =>
  fileURLToPath(new URL(`../../../../tooling/services/tls/${name}.pem`, import.meta.url))

describe.skipIf(!secured.available)('a server with users', () => {
  if (!secured.available) return
  let server: Server
  let config: RawConfig
  const { username: userName = '', password = '' } = secured.credentials ?? {}
  const reader = secured.readOnly
  beforeAll(async () => {
    server = await Server.use(secured)
    config = { ...(await server.table('id int PRIMARY KEY')).config, userName, password }
  })
  afterAll(() => server?.close())

  it('lets in who has the password', async () => {
    await using sink = await openSink(config)
    expect(codes(await sink.write(recordsOf([{ id: 1 }])))).toEqual([undefined])
  })

  it('blocks a wrong password and nobody, and says which user it was but never the password', async () => {
    const wrong = await failure(openSink({ ...config, password: 'n0t-the-password' }))
    expect(wrong).toMatchObject({ code: 'PIO_CASSANDRA_AUTH', retry: 'block' })
    expect(wrong.message).toMatch(/does not accept user "owner": .*; correct userName and password/)
    expect(wrong.message).toContain(server.roots)
    expect(JSON.stringify(wrong, Object.getOwnPropertyNames(wrong))).not.toContain('n0t-the-password')
    const nobody = await failure(openSink({ ...config, userName: '', password: '' }))
    expect(nobody).toMatchObject({ code: 'PIO_CASSANDRA_AUTH', retry: 'block' })
    expect(nobody.message).toContain('set userName and password')
  })

  it('blocks a user that may not write, and keeps the records', async () => {
    await using sink = await openSink({ ...config, userName: reader?.username, password: reader?.password })
    const outcomes = await sink.write(recordsOf([{ id: 1 }, { id: 2 }]))
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ code: 'PIO_CASSANDRA_FORBIDDEN', retry: 'block' })
      expect(outcome?.message).toMatch(/user "reader" may not write to .*MODIFY/)
    }
  })

  // A server in a container is not told of the certificates.
  describe.skipIf(secured.origin !== 'local')('with TLS', () => {
    const client = { enabled: true, caFile: pem('ca'), certFile: pem('client'), keyFile: pem('client') }
    const local = () => ({ ...config, roots: server.roots.replace('127.0.0.1', 'localhost') })

    it('is spoken to with an authority and a certificate of one’s own', async () => {
      await using sink = await openSink({ ...local(), tls: client })
      expect(codes(await sink.write(recordsOf([{ id: 1 }])))).toEqual([undefined])
    })

    it('is not believed where its authority is not known, and refuses who shows no certificate', async () => {
      const { caFile: _, ...untrusted } = client
      expect(await failure(openSink({ ...local(), tls: untrusted }))).toMatchObject({
        code: 'PIO_CASSANDRA_TLS',
        retry: 'reconnect',
        message: expect.stringContaining('tls.caFile'),
      })
      const error = await failure(openSink({ ...local(), tls: { enabled: true, caFile: pem('ca') } }))
      expect(error).toMatchObject({ retry: 'reconnect' })
    })

    it('lists files of no use', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'pulsar-io-tls-'))
      const text = join(folder, 'no.pem')
      await writeFile(text, 'no certificate')
      const tls = { enabled: true, caFile: join(folder, 'missing.pem'), certFile: text, keyFile: pem('ca') }
      const error = await failure(openSink({ ...config, tls }))
      await rm(folder, { recursive: true })
      expect(error).toMatchObject({ code: 'PIO_CONFIG', retry: 'stop' })
      expect(error.message.split('\n')).toEqual([
        expect.stringMatching(/^tls\.caFile: cannot read the file: .*missing\.pem/),
        expect.stringMatching(/^tls\.certFile: .*no\.pem is not PEM/),
      ])
    })
  })
})

describe.skipIf(!plain.available)('a server without TLS', () => {
  it('is named where TLS is asked for', async () => {
    if (!plain.available) return
    const config = { roots: new URL(plain.url).host, keyspace: 'k', columnFamily: 't', connectTimeoutInMs: 2000 }
    const error = await failure(openSink({ ...config, tls: { enabled: true, caFile: pem('ca') } }))
    expect(error).toMatchObject({ retry: 'reconnect' })
    expect(error.message).toMatch(/tls\.enabled|TLS|timeout/)
  })
})
