import { Readable } from 'node:stream'
import type { Message } from '@pulsar-io/messaging'
import { codecFor } from '@pulsar-io/schema'
import { describe, expect, it } from 'vitest'
import { describe as describeMessage, parseFrom } from '../src/commands/topics-consume.ts'
import { toMessage } from '../src/commands/topics-produce.ts'
import { readLines } from '../src/lines.ts'

async function linesOf(...chunks: string[]): Promise<string[]> {
  const lines: string[] = []
  for await (const some of readLines(Readable.from(chunks.map(chunk => Buffer.from(chunk))), 'in')) {
    lines.push(...some.map(line => Buffer.from(line).toString()))
  }
  return lines
}

describe('readLines', () => {
  it('puts lines together that chunks cut, and keeps empty ones', async () => {
    expect(await linesOf('a\nb', 'c', '\r\n\nlast')).toEqual(['a', 'bc', '', 'last'])
    expect(await linesOf('a\n')).toEqual(['a'])
    expect(await linesOf()).toEqual([])
  })

  it('refuses a line that has no end', async () => {
    await expect(linesOf('ok\n', 'x'.repeat(6 * 1024 * 1024))).rejects.toThrow(/^in:2: longer than the 5 MiB/)
  })
})

describe('toMessage', () => {
  const plain = { file: '-', keyField: undefined, properties: { a: 'b' }, schema: undefined, codec: undefined }
  const bytes = (text: string) => Buffer.from(text)

  it('takes a line as it is', () => {
    expect(toMessage(bytes('{no json'), 1, plain)).toEqual({ payload: bytes('{no json'), properties: { a: 'b' } })
  })

  it('takes the key from a field', () => {
    expect(toMessage(bytes('{"id":7}'), 1, { ...plain, keyField: 'id' })).toMatchObject({ key: '7' })
  })

  it('refuses with the line number what is not JSON or has no key', () => {
    const keyed = { ...plain, file: 'a.ndjson', keyField: 'id' }
    expect(() => toMessage(bytes('{"x":1}'), 3, keyed)).toThrow(/^a\.ndjson:3: --key-field id: the record has no/)
    const typed = { ...plain, schema: { type: 'JSON' } as const }
    expect(() => toMessage(bytes('nope'), 9, typed)).toThrow(/^standard input:9: not JSON/)
    expect(toMessage(bytes(''), 9, typed)).toBeUndefined()
  })
})

describe('parseFrom', () => {
  it('reads words, times and spans', () => {
    const now = () => Date.UTC(2026, 0, 2)
    const read = (text: string) => parseFrom(text, [], now)
    expect(read('Earliest')).toBe('earliest')
    expect(read('latest')).toBe('latest')
    expect(read('10m')).toEqual({ time: now() - 600_000 })
    expect(read('2026-01-01T00:00:00Z')).toEqual({ time: Date.UTC(2026, 0, 1) })
    expect(read('1767225600000')).toEqual({ time: 1767225600000 })
  })

  it('refuses anything else', () => {
    const problems: { path: string; message: string }[] = []
    parseFrom('yesterday', problems)
    expect(problems).toMatchObject([{ path: '--from' }])
  })
})

describe('describe', () => {
  const message: Message = {
    topic: 'persistent://public/default/t',
    partition: 0,
    position: { ledgerId: 1n, entryId: 2n, batchIndex: -1 },
    key: undefined,
    orderingKey: undefined,
    payload: Buffer.from('{"a":1}'),
    size: 7,
    properties: { p: 'v' },
    eventTime: undefined,
    publishTime: 5,
    producerName: 'x',
    sequenceId: 0n,
    redeliveryCount: 0,
    schema: undefined,
  }

  it('shows text as text, JSON by schema, bytes as base64, and tombstones', async () => {
    const none = new Map()
    expect(describeMessage(message, none)).toEqual({
      topic: 'persistent://public/default/t',
      key: null,
      value: '{"a":1}',
      properties: { p: 'v' },
      position: '1:2:-1',
      eventTime: null,
      publishTime: 5,
      redeliveryCount: 0,
    })
    const json = { type: 'JSON' } as const
    const codecs = new Map([[json, await codecFor(json)]])
    expect(describeMessage({ ...message, schema: json }, codecs).value).toEqual({ a: 1 })
    expect(describeMessage({ ...message, payload: new Uint8Array([255]) }, none)).toMatchObject({
      value: '/w==',
      valueEncoding: 'base64',
    })
    expect(describeMessage({ ...message, payload: null }, none).value).toBeNull()
  })
})
