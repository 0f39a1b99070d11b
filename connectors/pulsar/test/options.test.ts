import { ConfigError } from '@pulsar-io/sdk'
import { createSinkContext, createSourceContext } from '@pulsar-io/testkit'
import { describe, expect, it } from 'vitest'
import { PulsarSink, sink } from '../src/sink.ts'
import { PulsarSource, source } from '../src/source.ts'
import { checked, failure } from './support.ts'

const serviceUrl = 'pulsar://broker:6650'

function problems(definition: typeof sink | typeof source, raw: object): string[] {
  const result = definition.parse(raw)
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`)
}

describe('options of the pulsar connector', () => {
  it('takes a small configuration', () => {
    expect(problems(sink, { serviceUrl, topic: 'clean-{topic}' })).toEqual([])
    expect(problems(source, { serviceUrl: `${serviceUrl},other:6650`, topics: 'a,b' })).toEqual([])
  })

  it('tells everything that is wrong at once', () => {
    const found = problems(sink, {
      serviceUrl: 'broker:6650',
      adminUrl: 'broker',
      authParams: 'token:abc',
      topic: 'a/b',
    })
    expect(found).toHaveLength(4)
    expect(found.join('\n')).not.toContain('abc')
    for (const path of ['serviceUrl', 'adminUrl', 'authPlugin', 'topic'])
      expect(found.join('\n')).toContain(`${path}: `)
  })

  it('wants topics or a pattern', () => {
    expect(problems(source, { serviceUrl })).toEqual([expect.stringContaining('topics: required')])
    expect(problems(source, { serviceUrl, topics: 'a', topicsPattern: 'b' })).toEqual([
      expect.stringContaining('topicsPattern: cannot stand beside'),
    ])
    expect(problems(source, { serviceUrl, topics: ['a/b'] })).toEqual([expect.stringContaining('topics: not a topic')])
  })

  it('refuses TLS options without TLS', () => {
    expect(problems(sink, { serviceUrl, topic: 't', tls: { trustCerts: 'ca.pem' } })).toEqual([
      expect.stringContaining('serviceUrl: must begin with pulsar+ssl'),
    ])
  })

  it('names a login that cannot be used by its option, without showing it', async () => {
    const config = checked(sink, { serviceUrl, topic: 't', authPlugin: 'oauth2', authParams: '{"audience":"hush"}' })
    const error = await failure(new PulsarSink().open(config as never, createSinkContext()))
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toMatch(/^authParams\.issuerUrl: required/)
    expect(error.message).not.toContain('hush')
  })

  it('refuses what several instances cannot do', async () => {
    const open = (raw: object, context: object) =>
      failure(
        new PulsarSource().open(
          checked(source, { serviceUrl, ...raw }) as never,
          createSourceContext({ numInstances: 2, ...context }),
        ),
      )
    expect((await open({ topics: 't', subscriptionType: 'Exclusive' }, {})).message).toContain('subscriptionType')
    expect((await open({ topicsPattern: 't.*' }, { guarantee: 'EFFECTIVELY_ONCE' })).message).toContain('topicsPattern')
  })
})
