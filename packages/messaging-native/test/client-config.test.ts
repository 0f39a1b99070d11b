import { basicAuthentication, tlsAuthentication, tokenAuthentication } from '@pulsar-io/messaging-pulsar'
import type { Logger } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { clientConfig } from '../src/client-config.ts'
import type { NativeOptions } from '../src/options.ts'
import { fakeAddon } from './support/fake-addon.ts'

const { addon } = fakeAddon()
const of = (options: Partial<NativeOptions>) => clientConfig(addon, { serviceUrl: 'pulsar://broker:6650', ...options })

describe('configuration of the addon', () => {
  it('verifies host names unless told otherwise', async () => {
    expect(await of({})).toEqual({
      serviceUrl: 'pulsar://broker:6650',
      operationTimeoutSeconds: 30,
      connectionTimeoutMs: 10_000,
      tlsAllowInsecureConnection: false,
      tlsValidateHostname: true,
      logLevel: 2,
    })
  })

  it('hands on what it is given', async () => {
    const options = {
      tls: { trustCerts: '/ca.pem', allowInsecure: true, verifyHostname: false },
      operationTimeoutMs: 1_200,
      connectTimeoutMs: 500,
      listenerName: 'external',
    }
    expect(await of(options)).toMatchObject({
      operationTimeoutSeconds: 2,
      connectionTimeoutMs: 500,
      tlsTrustCertsFilePath: '/ca.pem',
      tlsAllowInsecureConnection: true,
      tlsValidateHostname: false,
      listenerName: 'external',
    })
  })

  it('gives a token anew each time', async () => {
    let n = 0
    const { authentication } = await of({ authentication: tokenAuthentication(() => `token${++n}`) })
    const { token } = (authentication as unknown as { params: { token: () => Promise<string> } }).params
    // The first showed that there is one.
    expect([await token(), await token()]).toEqual(['token2', 'token3'])
  })

  it('says now that a token cannot be had, and later without leaving the addon waiting', async () => {
    const lines: string[] = []
    const logger = { warn: (line: string) => lines.push(line) } as unknown as Logger
    const missing = () => Promise.reject(new Error('no such file'))
    await expect(of({ authentication: tokenAuthentication(missing) })).rejects.toThrow('no such file')
    let there = true
    const rotated = tokenAuthentication(() => (there ? 'a' : missing()))
    const { authentication } = await of({ authentication: rotated, logger })
    there = false
    const { token } = (authentication as unknown as { params: { token: () => Promise<string> } }).params
    expect(await token()).toBe('')
    expect(lines).toEqual(['the token cannot be had: no such file'])
  })

  it('splits user and password at the first colon', async () => {
    const { authentication } = await of({ authentication: basicAuthentication('u', 'p:w') })
    expect(authentication).toMatchObject({ kind: 'basic', params: { username: 'u', password: 'p:w' } })
  })

  it('takes certificates as files', async () => {
    const { authentication } = await of({ authentication: tlsAuthentication('/c.pem', '/k.pem') })
    expect(authentication).toMatchObject({ params: { certificatePath: '/c.pem', privateKeyPath: '/k.pem' } })
    const text = '-----BEGIN CERTIFICATE-----'
    for (const options of [{ authentication: tlsAuthentication(text, '/k.pem') }, { tls: { trustCerts: text } }]) {
      await expect(of(options)).rejects.toMatchObject({ code: 'PIO_PULSAR_AUTH_CONFIG' })
    }
  })

  it('refuses other ways to log in', async () => {
    const authentication = { method: 'athenz', credentials: async () => new Uint8Array() }
    await expect(of({ authentication })).rejects.toThrow(/cannot log in by athenz/)
  })

  it('passes warnings of the addon on', async () => {
    const lines: string[] = []
    const logger = { warn: (line: string) => lines.push(line) } as unknown as Logger
    const { log } = await of({ logger })
    log?.(3, 'f.cc', 1, 'ProducerBusy: taken')
    expect(lines).toEqual(['pulsar-client: ProducerBusy: taken'])
  })
})
