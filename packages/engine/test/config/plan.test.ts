import type { Manifest } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import type { ConnectorSpec } from '../../src/api.ts'
import { inertFields } from '../../src/config/inert.ts'
import { archiveReference, planInstances } from '../../src/config/plan.ts'

const manifest = (delivery: {
  sink?: 'at-least-once' | 'idempotent'
  source?: 'at-least-once' | 'replayable'
}): Manifest => ({
  manifestVersion: 1,
  name: 'probe',
  version: '1.0.0',
  description: 'Probe.',
  apiLevel: 1,
  kinds: ['sink', 'source'],
  entry: 'dist/index.js',
  sink: { export: 'sink', summary: 'Sink.', configSchema: {}, delivery: delivery.sink ?? 'idempotent' },
  source: { export: 'source', summary: 'Source.', configSchema: {}, delivery: delivery.source ?? 'replayable' },
  files: {},
})
const archive = (delivery: Parameters<typeof manifest>[0] = {}) => ({
  archive: '/a/probe.tgz',
  directory: '/cache/x',
  manifest: manifest(delivery),
  sha256: undefined,
})
const options = { log: () => undefined }
const sink = (config: object): ConnectorSpec => ({ kind: 'sink', config })
const source = (config: object): ConnectorSpec => ({ kind: 'source', config })

describe('planInstances', () => {
  it('names a connector after its archive, with its default tenant, namespace and subscription', () => {
    const [one] = planInstances(sink({ inputs: ['t'] }), archive(), options)
    expect(one).toMatchObject({
      fqn: 'public/default/probe',
      subscription: 'public/default/probe',
      inputs: ['persistent://public/default/t'],
    })
  })

  it.each([
    [{}, 'Shared', false],
    [{ retainOrdering: true }, 'Failover', true],
    [{ retainKeyOrdering: true }, 'Key_Shared', true],
    [{ processingGuarantees: 'EFFECTIVELY_ONCE' }, 'Failover', true],
    [{ processingGuarantees: 'ATMOST_ONCE' }, 'Shared', false],
  ])('chooses the subscription type of %j as Pulsar does', (config, subscriptionType, ordered) => {
    const [one] = planInstances(sink({ inputs: ['t'], ...config }), archive(), options)
    expect(one).toMatchObject({ subscriptionType, ordered })
  })

  it('makes one plan per instance', () => {
    const plans = planInstances(source({ topicName: 'out', parallelism: 3 }), archive(), options)
    expect(plans.map(({ instanceId, numInstances }) => [instanceId, numInstances])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ])
  })

  it('refuses EFFECTIVELY_ONCE where the connector cannot keep it, saying why', () => {
    const config = { processingGuarantees: 'EFFECTIVELY_ONCE' }
    expect(() =>
      planInstances(sink({ inputs: ['t'], ...config }), archive({ sink: 'at-least-once' }), options),
    ).toThrow(/processingGuarantees: the probe sink cannot keep EFFECTIVELY_ONCE: .*use ATLEAST_ONCE/)
    expect(() =>
      planInstances(source({ topicName: 't', ...config }), archive({ source: 'at-least-once' }), options),
    ).toThrow(/the probe source cannot keep/)
  })

  it('lists every problem at once', () => {
    const config = {
      topicsPattern: '(',
      retainOrdering: true,
      retainKeyOrdering: true,
      deadLetterTopic: 'a/b',
      topicToSchemaType: { t: 'xml' },
    }
    expect(() => planInstances(sink(config), archive(), options)).toThrow(
      /topicsPattern: not a topic pattern[\s\S]*retainKeyOrdering: not together[\s\S]*topicToSchemaType\.t: must be one of none, bytes, string, json[\s\S]*deadLetterTopic: not a topic name/,
    )
  })

  it('asks for what is missing', () => {
    expect(() => planInstances(sink({}), archive(), options)).toThrow(/inputs: required: at least one topic to read/)
    expect(() => planInstances(source({}), archive(), options)).toThrow(/topicName: required/)
  })
})

describe('packing of what a source publishes', () => {
  const packing = (config: Parameters<typeof source>[0]) => planInstances(source(config), archive(), options)[0]

  it('is full batches of any keys, uncompressed, unless told otherwise', () => {
    expect(packing({ topicName: 't' })).toMatchObject({ packing: { batching: { keys: 'mixed' } } })
  })

  it('follows Pulsar’s producerConfig and batchBuilder', () => {
    const batchingConfig = {
      enabled: true,
      batchingMaxMessages: 10,
      batchingMaxBytes: 99,
      batchingMaxPublishDelayMs: 7,
    }
    const producerConfig = { compressionType: 'ZSTD', batchingConfig } as const
    expect(packing({ topicName: 't', batchBuilder: 'KEY_BASED', producerConfig })).toMatchObject({
      packing: {
        compression: 'ZSTD',
        batching: { enabled: true, maxMessages: 10, maxBytes: 99, maxDelayMs: 7, keys: 'grouped' },
      },
    })
  })
})

describe('archiveReference', () => {
  it('takes an archive or a built-in type, not both and not neither', () => {
    expect(archiveReference(sink({ archive: 'x.tgz' }))).toBe('x.tgz')
    expect(archiveReference(sink({ sinkType: 'file' }))).toBe('builtin://file')
    expect(() => archiveReference(sink({ archive: 'x.tgz', sinkType: 'file' }))).toThrow(
      /sinkType: cannot stand beside archive/,
    )
    expect(() => archiveReference(source({}))).toThrow(/archive: required/)
  })
})

describe('customRuntimeOptions', () => {
  const config = (customRuntimeOptions: string) => ({ inputs: ['t'], customRuntimeOptions })
  const planned = (text: string) => planInstances(sink(config(text)), archive(), options)[0]?.stuckAfterMs

  it.each([
    ['{"stuckTimeout": "10m"}', 600_000],
    ['{"stuckTimeout": 1500}', 1_500],
    ['{"stuckTimeout": "0"}', 0],
    ['{"stuckTimeout": 0}', 0],
    ['{}', undefined],
  ])('%s is the time an instance may have work and do nothing', (text, ms) => {
    expect(planned(text)).toBe(ms)
    expect(inertFields(sink(config(text)))).toEqual([])
    const [one] = planInstances(source({ topicName: 't', customRuntimeOptions: text }), archive(), options)
    expect(one?.stuckAfterMs).toBe(ms)
  })

  it.each([
    ['', []],
    [
      '--any text',
      ['customRuntimeOptions has no effect here: it is not a JSON object such as {"stuckTimeout": "10m"}'],
    ],
    ['[1]', ['customRuntimeOptions has no effect here: it is not a JSON object such as {"stuckTimeout": "10m"}']],
    [
      '{"jobNamespace": "x", "stucktimeout": "10m"}',
      [
        'customRuntimeOptions.jobNamespace has no effect here: there is no such option of this runtime',
        'customRuntimeOptions.stucktimeout has no effect here: did you mean stuckTimeout?',
      ],
    ],
  ])('%j, which Java takes, is accepted, and what means nothing is named', (text, notes) => {
    expect(planned(text)).toBeUndefined()
    expect(inertFields(sink(config(text)))).toEqual(notes)
  })

  it.each([
    ['{"stuckTimeout": "soon"}', /customRuntimeOptions\.stuckTimeout: must be a duration of at least 1s .*got "soon"/],
    ['{"stuckTimeout": "5"}', /customRuntimeOptions\.stuckTimeout: must be a duration of at least 1s .*got "5"/],
    ['{"stuckTimeout": -1}', /customRuntimeOptions\.stuckTimeout: must be/],
    ['{"stuckTimeout": null}', /customRuntimeOptions\.stuckTimeout: must be/],
    ["{stuckTimeout: '10m'}", /customRuntimeOptions: must be a JSON object such as/],
  ])('%s is refused, for nobody else can have meant it', (text, message) => {
    expect(() => planned(text)).toThrow(message)
  })
})

describe('inertFields', () => {
  it('says of each field without effect why, also inside objects', () => {
    const notes = inertFields(sink({ className: 'org.Sink', inputs: ['t'], resources: { ram: 1, disk: 2 } }))
    expect(notes).toEqual([
      'className has no effect here: an archive names its entry itself',
      'resources.disk has no effect here: a connector here has no disk of its own',
    ])
  })
})
