import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { authenticationFromPlugin } from '../../src/auth/index.ts'

const PACKAGE = 'org.apache.pulsar.client.impl.auth'

async function shown(plugin: string, params: string): Promise<readonly [method: string, credentials: string]> {
  const auth = authenticationFromPlugin(plugin, params)
  return [auth.method, Buffer.from(await auth.credentials()).toString()]
}

describe('--client-auth-plugin and --client-auth-params', () => {
  it.each([
    [`${PACKAGE}.AuthenticationToken`, 'token:abc'],
    [`${PACKAGE}.AuthenticationToken`, '{"token":"abc"}'],
    ['AuthenticationToken', 'abc'],
    ['token', 'token:abc'],
  ])('%s %s', async (plugin, params) => {
    expect(await shown(plugin, params)).toEqual(['token', 'abc'])
  })

  it('token file:///path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pulsar-plugin-'))
    await writeFile(join(folder, 'token'), 'abc\n')
    expect(await shown('token', `file://${folder}/token`)).toEqual(['token', 'abc'])
    await rm(folder, { recursive: true })
  })

  it.each([
    [`${PACKAGE}.AuthenticationBasic`, '{"userId":"u","password":"p:,q"}', 'u:p:,q'],
    ['basic', 'userId:u,password:p', 'u:p'],
  ])('%s %s', async (plugin, params, expected) => {
    expect(await shown(plugin, params)).toEqual(['basic', expected])
    expect(await authenticationFromPlugin(plugin, params).headers?.()).toEqual({
      authorization: `Basic ${Buffer.from(expected).toString('base64')}`,
      'x-pulsar-auth-method-name': 'basic',
    })
  })

  it.each([
    [`${PACKAGE}.AuthenticationTls`, 'tlsCertFile:/c.pem,tlsKeyFile:/k.pem'],
    ['tls', '{"tlsCertFile":"/c.pem","tlsKeyFile":"/k.pem"}'],
  ])('%s %s', (plugin, params) => {
    expect(authenticationFromPlugin(plugin, params)).toMatchObject({
      method: 'tls',
      tls: { cert: '/c.pem', key: '/k.pem' },
    })
  })

  it.each(['', 'org.apache.pulsar.client.impl.auth.AuthenticationDisabled'])('%j is nobody', plugin => {
    expect(authenticationFromPlugin(plugin, '').method).toBe('none')
  })

  it('another plugin is refused with what there is', () => {
    const refusal = () => authenticationFromPlugin(`${PACKAGE}.AuthenticationAthenz`, '{}')
    expect(refusal).toThrow(expect.objectContaining({ code: 'PIO_PULSAR_AUTH_CONFIG', retry: 'stop' }))
    expect(refusal).toThrow(/AuthenticationAthenz" is not supported; there are token \(.*\), basic .*, tls .*, oauth2 /)
  })

  it.each([
    ['token', '', 'there is no token'],
    ['token', 'token:', 'there is no token'],
    ['token', '{"tokn":"hush"}', 'clientAuthParams.token: required'],
    ['token', '{"token":"hush"', 'begins with { but is not JSON'],
    ['basic', 'hush', 'part 1 is not KEY:VALUE'],
    ['basic', '{}', 'clientAuthParams.userId: required, and not there\nclientAuthParams.password: required'],
    ['oauth2', '{"privateKey":"hush"}', 'clientAuthParams.issuerUrl: required'],
    ['oauth2', '{"privateKey":"hush","issuerUrl":"no"}', 'not the http(s) URL'],
    ['oauth2', '{"privateKey":"hush","issuerUrl":"http://a","type":"password"}', 'only client_credentials'],
  ])('%s %s is refused without telling a secret', (plugin, params, why) => {
    let message = ''
    try {
      authenticationFromPlugin(plugin, params)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toContain(why)
    expect(message).not.toContain('hush')
  })
})
