import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configJsonSchema, secret } from '@pulsar-io/sdk'
import { afterAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { redact, resolveSecrets } from '../src/secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'pio-secrets-'))
afterAll(() => rmSync(folder, { recursive: true }))

const schema = configJsonSchema(
  z.strictObject({
    url: z.string().optional(),
    password: secret().optional(),
    tls: z.strictObject({ keyPassword: secret().optional() }).optional(),
    hosts: z.array(z.string()).optional(),
  }),
)

describe('resolveSecrets', () => {
  it('fills in environment variables and files anywhere in a configuration', () => {
    const file = join(folder, 'token')
    writeFileSync(file, 's3cret-from-file\n')
    const { config } = resolveSecrets(
      { url: 'http://${env:HOST}:9200', password: `\${file:${file}}`, hosts: ['${env:HOST}'] },
      undefined,
      schema,
      { HOST: 'es1' },
    )
    expect(config).toEqual({ url: 'http://es1:9200', password: 's3cret-from-file', hosts: ['es1'] })
  })

  it('names everything that cannot be had, at once', () => {
    const resolve = () =>
      resolveSecrets(
        { password: '${env:NOPE}', tls: { keyPassword: '${file:/no/such/file}' } },
        { token: { vault: 'x' } },
        schema,
        {},
      )
    expect(resolve).toThrow(
      /password: the environment variable NOPE is not set\ntls\.keyPassword: cannot read \/no\/such\/file: ENOENT\nsecrets\.token: must be/,
    )
  })

  it('turns a secret that is an option into its value, unless the configuration says it already', () => {
    const env = { A: 'value-of-a', B: 'value-of-b' }
    expect(resolveSecrets({}, { password: '${env:A}' }, schema, env).config).toEqual({ password: 'value-of-a' })
    expect(resolveSecrets({ password: 'written' }, { password: '${env:A}' }, schema, env).config).toEqual({
      password: 'written',
    })
    const named = resolveSecrets({}, { other: { env: 'B' } }, schema, env)
    expect(named.config).toEqual({})
    expect(named.secrets.get('other')).toBe('value-of-b')
  })

  it('hides every secret value in a text, the longer ones first', () => {
    const { hide } = resolveSecrets(
      { password: 'hunter2', tls: { keyPassword: 'hunter2-longer' } },
      { api: '${env:KEY}' },
      schema,
      { KEY: 'abcdef' },
    )
    expect(hide('401 for hunter2-longer and hunter2, key abcdef')).toBe('401 for *** and ***, key ***')
  })
})

describe('redact', () => {
  it('finds secrets in lists, maps, and what may be one thing or another', () => {
    const secret = { type: 'string', writeOnly: true }
    const schema = {
      properties: {
        hosts: { type: 'array', items: { properties: { name: {}, password: secret } } },
        headers: { type: 'object', additionalProperties: secret },
        login: { anyOf: [{ type: 'string' }, { properties: { user: {}, password: secret } }] },
      },
    }
    const config = {
      hosts: [{ name: 'a', password: 'x' }],
      headers: { authorization: 'x', other: '${env:OTHER}' },
      login: { user: 'u', password: 'x' },
    }
    expect(redact(config, schema)).toEqual({
      hosts: [{ name: 'a', password: '***' }],
      headers: { authorization: '***', other: '${env:OTHER}' },
      login: { user: 'u', password: '***' },
    })
    const { hide } = resolveSecrets({ hosts: [{ password: 'hunter2' }] }, undefined, schema)
    expect(hide('it is hunter2')).toBe('it is ***')
  })

  it('hides what the schema marks, at any depth, and keeps placeholders readable', () => {
    const config = { url: 'http://x', password: 'hunter2', tls: { keyPassword: '${env:KEY}' } }
    expect(redact(config, schema)).toEqual({ url: 'http://x', password: '***', tls: { keyPassword: '${env:KEY}' } })
  })
})
