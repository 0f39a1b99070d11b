import { chmodSync, chownSync, cpSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { service } from '@pulsar-io/tooling/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failure, OpenSink, postgresql, rowsOf, Tester } from '../support.ts'

const pem = (name: string): string =>
  fileURLToPath(new URL(`../../../../tooling/services/tls/${name}.pem`, import.meta.url))

const own = await service('postgresql', { dedicated: true })
afterAll(async () => {
  if (own.available) await own.close()
})

// The files of a server in a container are out of reach.
describe.skipIf(!own.available || own.origin !== 'local')('TLS', { timeout: 30_000 }, () => {
  if (!own.available) return
  const db = new Tester(own)
  let folder = ''
  afterAll(async () => {
    await db.close()
    await rm(folder, { recursive: true, force: true })
  })
  const connection: typeof db.connection = { ...db.connection, host: 'localhost' }
  const inUse = (name: string) =>
    db.value(
      `SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'pulsar-io public/default/${name}'`,
    )

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pulsar-io-tls-'))
    const data = (await db.value('SHOW data_directory')) ?? ''
    const { uid, gid } = statSync(data)
    for (const name of ['server', 'ca']) {
      const copy = join(data, `${name}.pem`)
      cpSync(pem(name), copy)
      chownSync(copy, uid, gid)
      chmodSync(copy, 0o600)
    }
    // A client shows its certificate, and is the user that it names.
    const rules = join(data, 'pg_hba.conf')
    const before = readFileSync(rules, 'utf8')
    writeFileSync(rules, `hostssl all client all cert\nhostnossl all tlsonly all reject\n${before}`)
    await db.rows(`CREATE ROLE client LOGIN; CREATE ROLE tlsonly LOGIN PASSWORD 'secret'; CREATE TABLE t (n integer);
      GRANT INSERT ON t TO client, tlsonly`)
    const files = { ssl_cert_file: 'server.pem', ssl_key_file: 'server.pem', ssl_ca_file: 'ca.pem', ssl: 'on' }
    for (const [name, value] of Object.entries(files)) await db.rows(`ALTER SYSTEM SET ${name} = '${value}'`)
    await own.restart()
  })

  it('is used where the server has it, and left where not, unless it is asked for', async () => {
    await using sink = await OpenSink.open({ connection, tableName: 't' }, { name: 'preferred' })
    await sink.writeAll(rowsOf([{ n: 1 }]))
    expect(await inUse('preferred')).toBe('t')
    await using plain = await OpenSink.open({ connection, tableName: 't', ssl: { mode: 'disable' } }, { name: 'plain' })
    expect(await inUse('plain')).toBe('f')
    await plain.writeAll(rowsOf([{ n: 1 }]))
    if (!postgresql.available) return
    const without = new Tester(postgresql)
    const error = await failure(
      OpenSink.open({ connection: without.connection, tableName: 't', ssl: { mode: 'require' } }),
    )
    expect(error).toMatchObject({ code: 'PIO_PG_TLS', retry: 'reconnect' })
    expect(error.message).toContain('ssl.mode')
    await without.close()
  })

  it('checks the authority and the host as far as it is asked to', async () => {
    const ca = pem('ca')
    for (const ssl of [{ mode: 'require' }, { mode: 'verify-ca', ca }, { mode: 'verify-full', ca }]) {
      await using sink = await OpenSink.open({ connection, tableName: 't', ssl })
      await sink.writeAll(rowsOf([{ n: 1 }]))
    }
    const untrusted = await failure(OpenSink.open({ connection, tableName: 't', ssl: { mode: 'verify-full' } }))
    expect(untrusted).toMatchObject({ code: 'PIO_PG_TLS', retry: 'reconnect' })
    expect(untrusted.message).toContain('ssl.ca')
    // Another name of this machine that is not in the certificate.
    const elsewhere = { ...connection, host: '127.0.0.2' }
    const wrongHost = await failure(
      OpenSink.open({ connection: elsewhere, tableName: 't', ssl: { mode: 'verify-full', ca } }),
    )
    expect(wrongHost).toMatchObject({ retry: 'reconnect' })
  })

  it('shows a certificate of the client, also where the URL says so', async () => {
    const [ca, client] = [pem('ca'), pem('client')]
    const as = { ...connection, user: 'client', password: '' }
    const ssl = { mode: 'verify-full', ca, cert: client, key: client }
    await using sink = await OpenSink.open({ connection: as, tableName: 't', ssl })
    await sink.writeAll(rowsOf([{ n: 1 }]))
    const parameters = new URLSearchParams({ sslmode: 'verify-full', sslrootcert: ca, sslcert: client, sslkey: client })
    const connectionString = `postgresql://client@localhost:${connection.port}/postgres?${parameters}`
    await using other = await OpenSink.open({ connection: undefined, connectionString, tableName: 't' })
    await other.writeAll(rowsOf([{ n: 1 }]))
    const without = await failure(OpenSink.open({ connection: as, tableName: 't', ssl: { mode: 'verify-full', ca } }))
    expect(without).toMatchObject({ code: 'PIO_PG_AUTH', retry: 'block' })
  })

  it('lists files of no use', async () => {
    const text = join(folder, 'no.pem')
    writeFileSync(text, 'no certificate')
    const ssl = { mode: 'verify-ca', ca: join(folder, 'missing.pem'), cert: text, key: pem('client') }
    const error = await failure(OpenSink.open({ connection, tableName: 't', ssl }))
    expect(error).toMatchObject({ code: 'PIO_CONFIG', retry: 'stop' })
    expect(error.message.split('\n')).toEqual([
      expect.stringMatching(/^ssl\.ca: cannot read the file: .*missing\.pem/),
      expect.stringMatching(/^ssl\.cert: .*no\.pem is not PEM/),
    ])
  })
})
