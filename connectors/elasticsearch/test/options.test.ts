import { describe, expect, it } from 'vitest'
import connector, { batchPolicy } from '../src/index.ts'
import { notices } from '../src/notices.ts'
import { opensslCipher } from '../src/rules.ts'
import { configOf } from './support.ts'

function problems(raw: object): string[] {
  const result = connector.parse({ elasticSearchUrl: 'http://localhost:9200', ...raw })
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`)
}

describe('options', () => {
  it('takes the example that everybody starts from', () => {
    const raw = {
      elasticSearchUrl: 'http://localhost:9200',
      indexName: 'my_index',
      username: 'jowanza',
      password: 'neversharepasswords',
    }
    expect(connector.parse(raw)).toMatchObject({ ok: true, config: raw })
  })

  it('has Pulsar’s defaults, and its own', () => {
    const { elasticSearchUrl: _, ...rest } = configOf({ indexName: '' })
    expect(rest).toEqual({
      indexName: '',
      typeName: '_doc',
      schemaEnable: false,
      createIndexIfNeeded: false,
      indexNumberOfShards: 1,
      indexNumberOfReplicas: 0,
      indexTemplateName: '',
      indexTemplate: {},
      dataStream: false,
      pipeline: '',
      username: '',
      password: '',
      token: '',
      apiKey: '',
      compatibilityMode: 'AUTO',
      bulkEnabled: false,
      bulkActions: 1000,
      bulkSizeInMb: 5,
      bulkConcurrentRequests: 0,
      bulkFlushIntervalInMs: 1000,
      maxRetries: 1,
      retryBackoffInMs: 100,
      maxRetryTimeInSec: 86400,
      compressionEnabled: false,
      connectTimeoutInMs: 5000,
      connectionRequestTimeoutInMs: 1000,
      connectionIdleTimeoutInMs: 5,
      socketTimeoutInMs: 60000,
      keyIgnore: true,
      primaryFields: '',
      canonicalKeyFields: false,
      copyKeyFields: false,
      documentVersion: 'POSITION',
      idHashingAlgorithm: 'NONE',
      conditionalIdHashing: false,
      stripNulls: true,
      stripNonPrintableCharacters: true,
      nullValueAction: 'IGNORE',
      malformedDocAction: 'FAIL',
      ssl: {
        enabled: false,
        provider: '',
        hostnameVerification: true,
        disableCertificateValidation: false,
        truststorePath: '',
        truststorePassword: '',
        keystorePath: '',
        keystorePassword: '',
        cipherSuites: '',
        protocols: 'TLSv1.2',
      },
    })
  })

  it('lists everything that is wrong at once, rules across fields included', () => {
    expect(problems({ indexname: 'a', bulkActions: 'many', username: 'jo', indexName: 'My_Index' })).toEqual([
      'indexname: not an option; did you mean indexName?',
      'bulkActions: must be a number, got "many"',
      'indexName: must be lower case; use "my_index"',
      'password: required because username is set',
    ])
  })

  it('knows that a data stream only takes new documents', () => {
    const wrong = { keyIgnore: false, primaryFields: 'id', nullValueAction: 'DELETE', indexName: 'logs-%{+yyyy}' }
    expect(problems({ dataStream: 'true', ...wrong }).map(problem => problem.split(':')[0])).toEqual([
      'keyIgnore',
      'primaryFields',
      'nullValueAction',
      'indexName',
    ])
    expect(problems({ dataStream: true, indexName: 'logs' })).toEqual([])
    expect(problems({ dataStream: false, ...wrong })).toEqual([])
  })

  it('wants the name of an index template with it', () => {
    expect(problems({ indexTemplate: { index_patterns: ['a'] } })).toEqual([
      'indexTemplateName: required because indexTemplate is set',
    ])
    expect(problems({ indexTemplateName: 'a' })).toEqual(['indexTemplate: required because indexTemplateName is set'])
    expect(problems({ indexTemplate: 'a.json', indexTemplateName: 'a' })[0]).toContain('must be an object')
  })

  it('requires an address', () => {
    expect(connector.parse({})).toMatchObject({ ok: false, problems: [{ path: 'elasticSearchUrl' }] })
    expect(problems({ elasticSearchUrl: ' , ' })[0]).toContain('must be an address')
    expect(problems({ elasticSearchUrl: 'localhost:9200' })[0]).toContain('must start with http:// or https://')
    expect(problems({ elasticSearchUrl: 'http://a,https://b' })[0]).toContain('all http or all https')
    expect(problems({ elasticSearchUrl: 'http://a:9200, http://b:9200/path' })).toEqual([])
  })

  it('refuses credentials in the address without showing them', () => {
    const [problem] = problems({ elasticSearchUrl: 'http://jo:hunter2@localhost:9200' })
    expect(problem).toContain('use username and password')
    expect(problem).not.toContain('hunter2')
  })

  it('allows one way to authenticate', () => {
    expect(problems({ username: 'a', password: 'b', token: 'c', apiKey: 'd' })).toEqual([
      ': only one way to authenticate can be used, got username and password, token, apiKey',
    ])
    expect(problems({ password: 'b' })).toEqual(['username: required because password is set'])
    for (const one of [{ token: 'c' }, { apiKey: 'd' }, { username: 'a', password: 'b' }])
      expect(problems(one)).toEqual([])
  })

  it('marks secrets', () => {
    const text = JSON.stringify(connector.jsonSchema())
    expect(text.match(/"writeOnly":true/g)).toHaveLength(5)
  })

  it('checks the TLS settings', () => {
    expect(problems({ ssl: { protocols: 'TLSv1.2, TLSv1.3' } })).toEqual([])
    expect(problems({ ssl: { protocols: 'SSLv3', cipherSuites: 'TLS_NO_SUCH' } })).toHaveLength(2)
    expect(problems({ ssl: { cipherSuites: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384' } })).toEqual(
      [],
    )
    expect(opensslCipher('TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384')).toBe('ECDHE-RSA-AES256-SHA384')
    expect(opensslCipher('TLS_RSA_WITH_AES_128_GCM_SHA256')).toBe('AES128-GCM-SHA256')
  })

  it('says which fields have no effect', () => {
    expect(notices(configOf())).toEqual([])
    const messages = notices(
      configOf({ typeName: 'doc', maxRetries: 5, ssl: { enabled: true, disableCertificateValidation: true } }),
    )
    expect(messages.map(({ level, message }) => `${level} ${message.split(' ')[0]}`)).toEqual([
      'info typeName',
      'info maxRetries:',
      'warn ssl.enabled',
      'warn ssl.disableCertificateValidation:',
    ])
  })

  it('turns bulk options into a batch policy without waiting by default', () => {
    const MiB = 1024 * 1024
    expect(batchPolicy(configOf())).toEqual({ maxRecords: 1000, maxBytes: 5 * MiB, maxDelayMs: 10, maxInFlight: 1 })
    const own = configOf({ bulkEnabled: 'true', bulkActions: '-1', bulkSizeInMb: 0, bulkConcurrentRequests: 4 })
    expect(batchPolicy(own)).toEqual({ maxRecords: 10_000, maxBytes: 50 * MiB, maxDelayMs: 1000, maxInFlight: 4 })
    expect(batchPolicy(configOf({ bulkEnabled: true, bulkFlushIntervalInMs: -1 })).maxDelayMs).toBe(10)
  })
})
