import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Worker } from '../src/index.ts'
import { call, eventually, form, Place, statuses } from './support.ts'

// What a worker of Pulsar 4.0 answers to the same requests.

let place: Place
let worker: Worker

beforeAll(async () => {
  place = new Place()
  worker = await place.worker()
  const config = place.sink({
    tenant: 'public',
    namespace: 'default',
    name: 'sq',
    parallelism: 1,
    processingGuarantees: 'ATLEAST_ONCE',
    sourceSubscriptionPosition: undefined,
    inputs: ['persistent://public/default/person-in'],
  })
  expect((await call(worker, 'POST', '/admin/v3/sinks/public/default/sq', form('sink', config))).status).toBe(204)
  await eventually(async () => (await statuses(worker, 'sq'))[0]?.running === true)
})
afterAll(() => place.close())

const sink = (overrides: object = {}) => place.sink(overrides)

describe('refusals have the code and the reason of Pulsar', () => {
  const refused: readonly (readonly [
    what: string,
    method: string,
    path: string,
    body: () => FormData | undefined,
    status: number,
    reason: string,
  ])[] = [
    [
      'a name that is taken',
      'POST',
      'sinks/public/default/sq',
      () => form('sink', sink()),
      400,
      'Sink sq already exists',
    ],
    [
      'a name that a connector of the other kind has',
      'POST',
      'sources/public/default/sq',
      () => form('source', { archive: 'builtin://probe', topicName: 't' }),
      400,
      'Source sq already exists',
    ],
    [
      'a built-in that is not there',
      'POST',
      'sinks/public/default/bad',
      () => form('sink', sink({ archive: 'builtin://nope' })),
      400,
      'Built-in sink is not available',
    ],
    [
      'no input',
      'POST',
      'sinks/public/default/bad',
      () => form('sink', sink({ inputs: undefined })),
      400,
      'Must specify at least one topic of input via topicToSerdeClassName, topicsPattern, topicToSchemaType or inputSpecs',
    ],
    [
      'no package',
      'POST',
      'sinks/public/default/bad',
      () => form('sink', sink({ archive: undefined })),
      400,
      'Sink package is not provided',
    ],
    [
      'a url that is none',
      'POST',
      'sinks/public/default/bad',
      () => withUrl('file://connectors/probe.tgz'),
      400,
      'Function Package url is not valid.supported url (http/https/file)',
    ],
    [
      'a url of another kind',
      'POST',
      'sinks/public/default/bad',
      () => withUrl('ftp://a/probe.tgz'),
      400,
      'Function Package url is not valid.supported url (http/https/file)',
    ],
    [
      'deleting what is not there',
      'DELETE',
      'sinks/public/default/nope',
      () => undefined,
      404,
      "Sink nope doesn't exist",
    ],
    ['a sink that is not there', 'GET', 'sink/public/default/nope', () => undefined, 404, "Sink nope doesn't exist"],
    [
      'a source that is not there',
      'GET',
      'source/public/default/nope',
      () => undefined,
      404,
      "Source nope doesn't exist",
    ],
    [
      'a sink asked for as a source',
      'GET',
      'sources/public/default/sq',
      () => undefined,
      404,
      "Source sq doesn't exist",
    ],
    [
      'the status of nothing',
      'GET',
      'sinks/public/default/nope/status',
      () => undefined,
      404,
      "Sink nope doesn't exist",
    ],
    [
      'the status of no instance',
      'GET',
      'sinks/public/default/sq/7/status',
      () => undefined,
      400,
      "Sink sq doesn't have instance with id 7",
    ],
    ['starting nothing', 'POST', 'sinks/public/default/nope/start', () => undefined, 404, "Sink nope doesn't exist"],
    [
      'an update of nothing',
      'PUT',
      'sinks/public/default/nope',
      () => form('sink', sink()),
      400,
      "Sink nope doesn't exist",
    ],
    [
      'an update without change',
      'PUT',
      'sinks/public/default/sq',
      () => form('sink', sink({ inputs: undefined, sourceSubscriptionPosition: undefined, parallelism: 1 })),
      400,
      'Update contains no change',
    ],
    [
      'an update of the inputs',
      'PUT',
      'sinks/public/default/sq',
      () => form('sink', sink({ inputs: ['other'] })),
      400,
      'Input Topics cannot be altered',
    ],
    [
      'an update of the subscription',
      'PUT',
      'sinks/public/default/sq',
      () => form('sink', { sourceSubscriptionName: 'x' }),
      400,
      'Subscription Name cannot be altered',
    ],
    [
      'an update of the guarantee',
      'PUT',
      'sinks/public/default/sq',
      () => form('sink', { processingGuarantees: 'ATMOST_ONCE' }),
      400,
      'Processing Guarantees cannot be altered',
    ],
    [
      'an update of the order',
      'PUT',
      'sinks/public/default/sq',
      () => form('sink', { retainOrdering: true }),
      400,
      'Retain Ordering cannot be altered',
    ],
    [
      'a rebalance of one worker',
      'PUT',
      '../v2/worker/rebalance',
      () => undefined,
      400,
      'Too few workers (need at least 2)',
    ],
  ]
  it.each(refused)('%s', async (_, method, path, body, status, reason) => {
    const answer = await call(worker, method, `/admin/v3/${path}`, body())
    expect(answer).toMatchObject({ status, body: { reason } })
  })
})

function withUrl(url: string): FormData {
  const made = form('sink', sink({ archive: undefined }))
  made.append('url', url)
  return made
}

describe('answers have the shape of Pulsar', () => {
  it('the configuration of a sink', async () => {
    const { body } = await call(worker, 'GET', '/admin/v3/sinks/public/default/sq')
    expect(body).toEqual({
      tenant: 'public',
      namespace: 'default',
      name: 'sq',
      className: 'probe#sink',
      sourceSubscriptionPosition: 'Latest',
      inputs: ['persistent://public/default/person-in'],
      inputSpecs: {
        'persistent://public/default/person-in': {
          schemaProperties: {},
          consumerProperties: {},
          poolMessages: false,
          regexPattern: false,
        },
      },
      configs: { file: place.path('out'), orders: place.path('orders') },
      parallelism: 1,
      processingGuarantees: 'ATLEAST_ONCE',
      retainOrdering: false,
      retainKeyOrdering: false,
      resources: { cpu: 1, ram: 1073741824, disk: 10737418240 },
      autoAck: true,
      archive: 'builtin://probe',
      cleanupSubscription: true,
    })
  })

  it('the status of a sink, and more', async () => {
    const { body } = await call(worker, 'GET', '/admin/v3/sinks/public/default/sq/status')
    expect(body).toMatchObject({
      numInstances: 1,
      numRunning: 1,
      instances: [
        {
          instanceId: 0,
          status: {
            running: true,
            error: '',
            numRestarts: 0,
            numReadFromPulsar: 0,
            numSystemExceptions: 0,
            latestSystemExceptions: [],
            numSinkExceptions: 0,
            latestSinkExceptions: [],
            numWrittenToSink: 0,
            lastReceivedTime: 0,
            workerId: worker.workerId,
          },
        },
      ],
    })
  })

  it('the status of a source', async () => {
    const config = { archive: 'builtin://probe', topicName: 'out', configs: { file: 'x', end: 3 } }
    expect((await call(worker, 'POST', '/admin/v3/source/public/default/src', form('source', config))).status).toBe(204)
    const status = async () =>
      (await call(worker, 'GET', '/admin/v3/sources/public/default/src/0/status')).body as { numWritten: number }
    await eventually(async () => (await status()).numWritten === 3)
    expect(await status()).toMatchObject({
      numReceivedFromSource: 3,
      numSourceExceptions: 0,
      latestSourceExceptions: [],
      numWritten: 3,
    })
    expect((await call(worker, 'GET', '/admin/v3/sources/public/default')).body).toEqual(['src'])
    expect((await call(worker, 'DELETE', '/admin/v3/source/public/default/src')).status).toBe(204)
  })

  it('built-in connectors, by both kinds and on all paths', async () => {
    const both = {
      name: 'probe',
      description: 'Does what it is told.',
      sourceClass: 'probe#source',
      sinkClass: 'probe#sink',
      sourceConfigClass: 'probe#source.config',
      sinkConfigClass: 'probe#sink.config',
    }
    for (const path of [
      'v3/sinks/builtinsinks',
      'v3/sink/builtinsinks',
      'v3/sources/builtinsources',
      'v2/functions/connectors',
      'v3/functions/connectors',
      'v2/worker/connectors',
    ]) {
      expect((await call(worker, 'GET', `/admin/${path}`)).body, path).toEqual([both])
    }
    expect(await call(worker, 'POST', '/admin/v3/sinks/reloadBuiltInSinks')).toMatchObject({ status: 204, body: '' })
  })

  it('the options of a connector', async () => {
    const { body } = await call(worker, 'GET', '/admin/v3/sinks/builtinsinks/probe/configdefinition')
    expect(body).toEqual([
      {
        fieldName: 'file',
        typeName: 'java.lang.String',
        attributes: { help: 'Where to write', defaultValue: '', sensitive: 'false', required: 'true' },
      },
      {
        fieldName: 'orders',
        typeName: 'java.lang.String',
        attributes: { help: 'What to do wrong', defaultValue: '', sensitive: 'false', required: 'false' },
      },
      {
        fieldName: 'size',
        typeName: 'long',
        attributes: { help: 'A number', defaultValue: '10', sensitive: 'false', required: 'false' },
      },
      {
        fieldName: 'password',
        typeName: 'java.lang.String',
        attributes: { help: 'A secret', defaultValue: '', sensitive: 'true', required: 'false' },
      },
    ])
    expect((await call(worker, 'GET', '/admin/v3/sinks/builtinsinks/nope/configdefinition')).status).toBe(404)
  })

  it('workers, assignments and their numbers', async () => {
    const self = { workerId: worker.workerId, workerHostname: '127.0.0.1', port: worker.port }
    expect((await call(worker, 'GET', '/admin/v2/worker/cluster')).body).toEqual([self])
    expect((await call(worker, 'GET', '/admin/v2/worker/cluster/leader')).body).toEqual(self)
    expect((await call(worker, 'GET', '/admin/v2/worker/cluster/leader/ready')).body).toBe(true)
    expect((await call(worker, 'GET', '/admin/v2/worker/assignments')).body).toEqual({
      [worker.workerId]: ['public/default/sq:0'],
    })
    expect((await call(worker, 'GET', '/admin/v2/worker/drain')).body).toEqual({ status: 'NOT_RUN', lastError: '' })
    expect((await call(worker, 'GET', '/admin/v2/worker-stats/functionsmetrics')).body).toMatchObject([
      {
        name: 'public/default/sq:0',
        metrics: {
          receivedTotal: 0,
          processedSuccessfullyTotal: 0,
          avgProcessLatency: null,
          '1min': { receivedTotal: 0 },
          lastInvocation: null,
          userMetrics: {},
        },
      },
    ])
    expect((await call(worker, 'GET', '/admin/v2/worker-stats/metrics')).body).toMatchObject([
      { dimensions: { metric: 'nodejs_metrics' } },
    ])
    expect((await call(worker, 'GET', '/metrics')).body).toContain(
      'pulsar_sink_received_total{tenant="public",namespace="public/default",name="sq"',
    )
    expect((await call(worker, 'GET', '/initialized')).body).toBe(true)
  })

  it('an empty body with the type of JSON, as the Java client sends it', async () => {
    const response = await fetch(`${worker.url}/admin/v3/sink/public/default/sq/restart`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    expect(response.status).toBe(204)
  })
})

describe('numbers of an instance', () => {
  it('are those of its life, and of the current minute', async () => {
    await place.produce('counted', 'a', 'b')
    const path = '/admin/v3/sinks/public/default/counted'
    expect((await call(worker, 'POST', path, sink({ inputs: ['counted'] }))).status).toBe(204)
    await eventually(async () => (await statuses(worker, 'counted'))[0]?.numWrittenToSink === 2)
    const { body } = await call(worker, 'GET', '/admin/v2/worker-stats/functionsmetrics')
    const numbers = {
      receivedTotal: 2,
      processedSuccessfullyTotal: 2,
      systemExceptionsTotal: 0,
      userExceptionsTotal: 0,
      avgProcessLatency: expect.any(Number),
    }
    expect(body).toContainEqual({
      name: 'public/default/counted:0',
      metrics: { ...numbers, '1min': numbers, lastInvocation: expect.any(Number), userMetrics: {} },
    })
    expect((await call(worker, 'DELETE', path)).status).toBe(204)
  })
})

describe('what is wrong is told at once, with its path', () => {
  it('a package that is named twice', async () => {
    const answer = await call(worker, 'POST', '/admin/v3/sinks/public/default/bad', sink({ sinkType: 'probe' }))
    expect(answer).toMatchObject({
      status: 400,
      body: { reason: 'sinkType: cannot stand beside archive; keep one of them' },
    })
    const typed = sink({ archive: undefined, sinkType: 'probe', inputs: ['typed'] })
    expect((await call(worker, 'POST', '/admin/v3/sinks/public/default/typed', typed)).status).toBe(204)
    const path = '/admin/v3/sinks/public/default/typed'
    expect((await call(worker, 'GET', path)).body).toMatchObject({ archive: 'builtin://probe' })
    expect((await call(worker, 'DELETE', path)).status).toBe(204)
  })

  it('fields, rules between them, and the options of the connector', async () => {
    const config = sink({
      inputs: undefined,
      paralelism: 2,
      configs: {},
      retainOrdering: true,
      retainKeyOrdering: true,
      customRuntimeOptions: '{"stuckTimeout": "soon"}',
    })
    const { status, body } = await call(worker, 'POST', '/admin/v3/sinks/public/default/bad', form('sink', config))
    expect(status).toBe(400)
    const { reason } = body as { reason: string }
    expect(reason).toContain('paralelism: not an option; did you mean parallelism?')
    expect(reason).toContain('configs.file: required: where to write')
    const { paralelism: _, ...known } = config
    const second = (await call(worker, 'POST', '/admin/v3/sinks/public/default/bad', form('sink', known))).body as {
      reason: string
    }
    expect(second.reason.split('\n')).toEqual([
      'Must specify at least one topic of input via topicToSerdeClassName, topicsPattern, topicToSchemaType or inputSpecs',
      expect.stringContaining('customRuntimeOptions.stuckTimeout: must be a duration of at least 1s'),
      expect.stringContaining('retainKeyOrdering: not together with retainOrdering'),
      'configs.file: required: where to write',
    ])
  })
})
