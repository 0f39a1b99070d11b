import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { connectorEntries, connectorTgz, encodeEntry, tgz } from '../../../engine/test/archive/make-archive.ts'
import type { Schema } from '../../console/src/api/types.ts'
import { withReading } from '../../console/src/connector/history.ts'
import { refusalOf } from '../../console/src/form/answers.ts'
import { readArchive } from '../../console/src/form/archive.ts'
import { changesOf } from '../../console/src/form/changes.ts'
import { problemOf } from '../../console/src/form/check.ts'
import { configOf, draftOf, type Field, fieldsOf } from '../../console/src/form/fields.ts'
import { totals } from '../../console/src/numbers.ts'
import { hrefOf, viewOf } from '../../console/src/view.ts'
import { probe } from '../support.ts'

const schema: Schema = {
  required: ['url', 'topics'],
  properties: {
    url: { type: 'string', minLength: 3 },
    port: { type: ['integer', 'string'], pattern: '^-?\\d+$', minimum: 1, maximum: 65_535, default: 9200 },
    timeout: { type: ['number', 'string'], pattern: '^\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)?$' },
    size: { type: ['integer', 'string'], pattern: '^\\d+(\\.\\d+)?\\s*([KMGTkmgt]?[Ii]?[Bb])?$' },
    sync: { type: ['boolean', 'string'], default: true },
    acks: { type: ['string', 'integer'], enum: ['0', 1, 'all'] },
    password: { type: 'string', writeOnly: true },
    topics: { type: ['array', 'string'], items: { type: 'string' } },
    mapping: { type: 'object', additionalProperties: { type: 'string' } },
    tls: {
      type: 'object',
      additionalProperties: false,
      properties: { enabled: { type: 'boolean' }, cert: { type: 'string' } },
    },
    extra: { type: 'object', properties: { known: { type: 'string' } } },
  },
}
const fields = fieldsOf(schema, ['configs'])
const field = (path: string): Field => {
  const found = fields.find(each => each.path === `configs.${path}`)
  if (found === undefined) throw new Error(`no field ${path}`)
  return found
}

describe('the fields of a schema', () => {
  it('have the input that fits their type; closed objects are their fields, open ones JSON', () => {
    expect(fields.map(({ path, control }) => [path.slice('configs.'.length), control])).toEqual([
      ['url', 'text'],
      ['port', 'number'],
      ['timeout', 'number'],
      ['size', 'number'],
      ['sync', 'flag'],
      ['acks', 'choice'],
      ['password', 'secret'],
      ['topics', 'list'],
      ['mapping', 'json'],
      ['tls.enabled', 'flag'],
      ['tls.cert', 'text'],
      ['extra', 'json'],
    ])
  })

  it('make a configuration of what is entered, and leave out what is not', () => {
    const draft = {
      'configs.url': 'http://x',
      'configs.port': '9300',
      'configs.size': '10 MB',
      'configs.sync': 'false',
      'configs.acks': '1',
      'configs.topics': 'a\n\n b \n',
      'configs.mapping': '{"a":"b"}',
      'configs.tls.cert': '/cert',
    }
    expect(configOf(fields, draft, {})).toEqual({
      configs: {
        url: 'http://x',
        port: 9300,
        size: '10 MB',
        sync: false,
        acks: 1,
        topics: ['a', 'b'],
        mapping: { a: 'b' },
        tls: { cert: '/cert' },
      },
    })
  })

  it('keep what is not changed as it was written, and what no input shows', () => {
    const original = {
      name: 'x',
      configs: { url: 'u', port: '9300', password: '***', unknown: [1], tls: { cert: 'c' } },
    }
    const draft = draftOf(fields, original)
    expect(configOf(fields, draft, original)).toEqual(original)
    expect(configOf(fields, { ...draft, 'configs.tls.cert': '', 'configs.url': 'v' }, original)).toEqual({
      name: 'x',
      configs: { url: 'v', port: '9300', password: '***', unknown: [1] },
    })
  })

  it('keep a number that would lose digits', () => {
    expect(configOf(fields, { 'configs.port': '12345678901234567890' }, {})).toEqual({
      configs: { port: '12345678901234567890' },
    })
  })
})

describe('what is wrong while it is written', () => {
  it.each([
    ['url', '', 'required'],
    ['url', 'ab', 'must have 3 characters or more'],
    ['url', 'abc', undefined],
    ['url', '${env:URL}', undefined],
    ['port', '', undefined],
    ['port', '0', 'must be 1 or more, not 0'],
    ['port', '70000', 'must be 65535 or less, not 70000'],
    ['port', '1.5', 'must be a whole number, not 1.5'],
    ['port', 'x', 'must be a number; not x'],
    ['timeout', '1.5', undefined],
    ['timeout', '5 s', undefined],
    ['timeout', 'soon', 'must be a number, such as 500 ms; not soon'],
    ['size', '10 MB', undefined],
    ['size', 'much', 'must be a number, such as 10 MB; not much'],
    ['mapping', '{"a":"b"}', undefined],
    ['topics', '', 'required'],
  ])('%s: %j → %j', (path, text, wanted) => {
    expect(problemOf(field(path), text)).toBe(wanted)
  })

  it('is said of JSON that is none', () => {
    expect(problemOf(field('mapping'), '{')).toMatch(/^must be JSON/)
  })
})

describe("the worker's problems", () => {
  it('stand at the field that they are about, or inside of; others stand below', () => {
    const reason =
      'configs.url: is away\nconfigs.topics[1]: is bad\nconfigs.tls.cert: one\nconfigs.tls.cert: two\nconfigs.no: is none\nall wrong'
    expect(refusalOf(reason, fields)).toEqual({
      fields: { 'configs.url': 'is away', 'configs.topics': 'is bad', 'configs.tls.cert': 'one\ntwo' },
      rest: 'configs.no: is none\nall wrong',
    })
  })
})

describe('an archive', () => {
  const read = (bytes: Uint8Array) => readArchive(new Blob([new Uint8Array(bytes)]))

  it('tells its name, its version, and the options of each kind', async () => {
    const { name, version, schemas } = await read(probe('2.1.0'))
    expect([name, version, Object.keys(schemas)]).toEqual(['probe', '2.1.0', ['sink', 'source']])
    expect(schemas.sink).toMatchObject({ required: ['file'] })
    expect(Object.keys((await read(connectorTgz())).schemas)).toEqual(['sink'])
  })

  it('may have its manifest behind other files, and damage behind its manifest', async () => {
    const [manifest, ...files] = connectorEntries({ files: { 'dist/large.bin': new Uint8Array(1_000_001) } })
    expect(await read(tgz([...files, ...(manifest ? [manifest] : [])]))).toMatchObject({ name: 'tiny' })
    const whole = connectorTgz({ files: { 'dist/large.bin': crypto.getRandomValues(new Uint8Array(60_000)) } })
    expect(await read(whole.subarray(0, -1_000))).toMatchObject({ name: 'tiny' })
  })

  it.each([
    ['nothing', new Uint8Array(), /not a gzipped tar archive/],
    ['a Java archive', Buffer.from('PK\u0003\u0004'), /zip file, such as a NAR/],
    ['half an archive', connectorTgz().subarray(0, 200), /damaged or cut off/],
    ['no gzip behind its first bytes', Buffer.from([0x1f, 0x8b, 1, 2, 3]), /damaged or cut off/],
    ['a tar of something else', tgz([{ path: 'package/package.json', content: '{}' }]), /has no pulsar-io\.json/],
    ['a manifest that is none', tgz([{ path: 'package/pulsar-io.json', content: '{' }]), /is not JSON/],
    ['a tar without an end', gzipSync(encodeEntry({ path: 'a', content: 'b' })), /damaged or cut off/],
  ])('that is %s is refused, saying so', async (_, bytes, reason) => {
    await expect(read(bytes)).rejects.toThrow(reason)
  })
})

describe('an update', () => {
  it('sends what differs, and all options', () => {
    const original = { name: 'x', parallelism: 1, configs: { a: 1, b: 2 } }
    expect(changesOf(original, { name: 'x', parallelism: 2, configs: { a: 1 } })).toEqual({
      parallelism: 2,
      configs: { a: 1 },
    })
  })

  it('says which field it cannot take away', () => {
    expect(() => changesOf({ deadLetterTopic: 'x', configs: {} }, { configs: {} })).toThrow(
      /^deadLetterTopic: an update cannot/,
    )
  })
})

describe('addresses', () => {
  it.each(['#/public/default', '#/a/b/sinks/%2B', '#/a/b/sinks/x%2Fy', '#/a/b/sources/x/edit'])('%s', address => {
    const view = viewOf(address)
    expect(viewOf(hrefOf(view))).toEqual(view)
  })

  it('name public/default where they name nothing', () => {
    expect(viewOf('')).toEqual({ page: 'list', tenant: 'public', namespace: 'default' })
    expect(viewOf('#/a/b/functions/c')).toEqual({ page: 'list', tenant: 'a', namespace: 'b' })
  })
})

describe('the history of a chart', () => {
  it('has rates between readings, none behind a restart of counting, and an end', () => {
    let history = withReading([], { at: 0, written: 10, lag: undefined, latency: undefined, errors: 0 }, 1)
    history = withReading(history, { at: 2_000, written: 30, lag: 4, latency: 7, errors: 0 }, 3)
    history = withReading(history, { at: 4_000, written: 5, lag: 0, latency: undefined, errors: 0 }, 5)
    expect(history.map(({ rate, lag, latency }) => [rate, lag, latency])).toEqual([
      [null, null, null],
      [10, 4, 7],
      [null, 0, null],
    ])
    for (let i = 0; i < 2_000; i++)
      history = withReading(history, { at: i, written: i, lag: 0, latency: undefined, errors: 0 }, i)
    expect(history).toHaveLength(900)
  })

  it('has the latency of the slowest instance', () => {
    const status = {
      running: true,
      numRestarts: 0,
      numSystemExceptions: 0,
      latestSystemExceptions: [],
      workerId: 'w',
      lastReceivedTime: 0,
      error: '',
    }
    const of = (...latencies: readonly ({ readonly p50: number; readonly p99: number } | undefined)[]) =>
      totals(
        {
          numInstances: latencies.length,
          numRunning: latencies.length,
          instances: latencies.map((latencyMs, instanceId) => ({
            instanceId,
            status: latencyMs === undefined ? status : { ...status, latencyMs },
          })),
        },
        0,
      ).latency
    expect(of({ p50: 1, p99: 9 }, undefined, { p50: 2, p99: 30 })).toBe(30)
    expect(of(undefined)).toBeUndefined()
  })
})
