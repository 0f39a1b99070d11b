import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tlsSettings } from '../src/tls.ts'
import { configOf, failure } from './support.ts'

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name)
const settings = (ssl: object) => tlsSettings(configOf({ ssl: { enabled: true, ...ssl } }).ssl)

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'es-tls-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('TLS settings', () => {
  it('reads PEM and PKCS#12', async () => {
    const pem = await settings({ truststorePath: fixture('ca.pem'), keystorePath: fixture('client.pem') })
    expect(pem).toMatchObject({ ca: expect.any(Buffer), cert: expect.any(Buffer), key: expect.any(Buffer) })
    const p12 = await settings({ keystorePath: fixture('client.p12'), keystorePassword: 'changeit' })
    expect(p12).toMatchObject({ pfx: expect.any(Buffer), passphrase: 'changeit' })
  })

  it('uses exactly the versions that are named', async () => {
    expect(await settings({})).toMatchObject({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
    expect(await settings({ protocols: 'TLSv1.3,TLSv1.2' })).toMatchObject({
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
    })
  })

  it('lists every file that is of no use, and how to get one that is', async () => {
    const jks = join(folder, 'trust.jks')
    await writeFile(jks, Buffer.from('feedfeed00000002', 'hex'))
    const error = await failure(
      settings({ truststorePath: jks, keystorePath: fixture('client.p12'), keystorePassword: 'wrong' }),
    )
    expect(error).toMatchObject({ code: 'PIO_CONFIG', retry: 'stop' })
    expect(error.message).toMatch(/truststorePath: .*keytool -importkeystore.*keystorePath: .*password right/s)
    expect((await failure(settings({ truststorePath: join(folder, 'none.pem') }))).message).toContain('ENOENT')
    expect((await failure(settings({ truststorePath: fixture('truststore.p12') }))).message).toContain('openssl pkcs12')
  })
})
