import { describe, expect, it } from 'vitest'
import { differences } from '../src/commands/admin/difference.ts'
import { shownChanges } from '../src/commands/admin/hide.ts'

/** As Pulsar 4.0.8 answers GET. */
const CURRENT = {
  tenant: 'public',
  namespace: 'default',
  name: 'es',
  className: 'org.example.Sink',
  inputs: ['persistent://public/default/orders'],
  inputSpecs: {
    'persistent://public/default/orders': {
      schemaType: 'json',
      schemaProperties: {},
      consumerProperties: {},
      poolMessages: false,
      regexPattern: false,
    },
  },
  configs: { url: 'http://a', password: '***', batch: 10 },
  parallelism: 1,
  processingGuarantees: 'ATLEAST_ONCE',
  resources: { cpu: 1, ram: 1073741824, disk: 10737418240 },
  archive: 'builtin://es',
}

describe('differences', () => {
  it('are none where the file says what the worker has, in other words or not at all', () => {
    expect(
      differences(CURRENT, {
        name: 'es',
        archive: 'builtin://es',
        inputs: ['orders'],
        parallelism: 1,
        resources: { ram: 1073741824 },
        topicToSchemaType: { orders: 'json' },
        inputSpecs: { 'persistent://public/default/orders': { schemaType: 'json' } },
        configs: { batch: 10, url: 'http://a', password: '***' },
        logTopic: undefined,
      }),
    ).toEqual([])
  })

  it('name each field by its path', () => {
    expect(
      differences(CURRENT, {
        inputs: ['orders', 'more'],
        parallelism: 2,
        resources: { cpu: 2 },
        topicToSchemaType: { orders: 'avro' },
        logTopic: 'logs',
      }),
    ).toEqual([
      { path: 'inputs', before: ['persistent://public/default/orders'], after: ['orders', 'more'] },
      { path: 'parallelism', before: 1, after: 2 },
      { path: 'resources.cpu', before: 1, after: 2 },
      { path: 'topicToSchemaType.orders', before: 'json', after: 'avro' },
      { path: 'logTopic', after: 'logs' },
    ])
  })

  it('see that options are replaced as a whole', () => {
    expect(differences(CURRENT, { configs: { url: 'http://b', password: '***' } })).toEqual([
      { path: 'configs.url', before: 'http://a', after: 'http://b' },
      { path: 'configs.batch', before: 10 },
    ])
  })

  it('cannot tell what the worker hides', () => {
    expect(differences(CURRENT, { configs: { ...CURRENT.configs, password: 'new' } })).toEqual([
      { path: 'configs.password', before: '***', after: 'new', hidden: true },
    ])
  })
})

describe('what is shown of them', () => {
  const changes = [
    { path: 'configs.password', before: 'old', after: 'new' },
    { path: 'configs.auth.apiKey', after: 'k' },
    { path: 'configs.login', after: { token: 't', user: 'u' } },
    { path: 'configs.secretKey', after: '${env:KEY}' },
    { path: 'configs.url', before: 'a', after: 'b' },
    { path: 'secrets.any', after: { path: 'x', key: 'y' } },
    { path: 'parallelism', before: 1, after: 2 },
  ]

  it('holds no secret, where the options are not known', () => {
    expect(shownChanges(changes, 'sink', undefined)).toEqual([
      { path: 'configs.password', before: '***', after: '***' },
      { path: 'configs.auth.apiKey', after: '***' },
      { path: 'configs.login', after: { token: '***', user: 'u' } },
      { path: 'configs.secretKey', after: '${env:KEY}' },
      { path: 'configs.url', before: 'a', after: 'b' },
      { path: 'secrets.any', after: '***' },
      { path: 'parallelism', before: 1, after: 2 },
    ])
  })

  it('holds what the manifest does not call a secret', () => {
    const configSchema = {
      properties: { pass: { writeOnly: true }, tls: { properties: { pin: { writeOnly: true } } }, tokens: {} },
    }
    const manifest = { sink: { configSchema } } as unknown as Parameters<typeof shownChanges>[2]
    const given = ['configs.pass', 'configs.tls.pin', 'configs.tokens'].map(path => ({ path, before: 'a', after: 'b' }))
    expect(shownChanges(given, 'sink', manifest)).toEqual([
      { path: 'configs.pass', before: '***', after: '***' },
      { path: 'configs.tls.pin', before: '***', after: '***' },
      { path: 'configs.tokens', before: 'a', after: 'b' },
    ])
  })
})
