import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { ConnectorError, RecordError, type SourceRecord } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { client, publishAtOnce, type Running, start, until } from './harness.ts'

const http = (config: { readonly [option: string]: unknown } = {}, publish = publishAtOnce) =>
  start({ type: 'http', ...config }, publish)

type Body = string | Uint8Array<ArrayBuffer> | null

async function post(running: Running, body: Body, init: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${running.port}/`, { method: 'POST', body, ...init })
  return { status: response.status, body: await response.json(), headers: response.headers }
}

describe('http', () => {
  it('answers with the number of records once they are published', async () => {
    const waiting: SourceRecord[] = []
    const running = await http({}, async records => void waiting.push(...records))
    let answered = false
    const answer = post(running, 'one').finally(() => {
      answered = true
    })
    await until(() => expect(waiting).toHaveLength(1))
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(answered).toBe(false)
    await waiting[0]?.ack?.()
    expect(await answer).toMatchObject({ status: 200, body: { published: 1 } })
    expect(running.texts()).toEqual(['one'])
  })

  it.each([
    [{}, 'text/plain', ['{"a":1}\r\n\n{"b":2}\n']],
    [{}, 'application/x-ndjson; charset=utf-8', ['{"a":1}', '{"b":2}']],
    [{}, 'application/jsonl', ['{"a":1}', '{"b":2}']],
    [{ bodyFraming: 'lines' }, 'text/plain', ['{"a":1}', '{"b":2}']],
    [{ bodyFraming: 'whole' }, 'application/x-ndjson', ['{"a":1}\r\n\n{"b":2}\n']],
  ])('cuts a body into records: %j, %s', async (config, type, expected) => {
    const running = await http(config)
    const { body } = await post(running, '{"a":1}\r\n\n{"b":2}\n', { headers: { 'content-type': type } })
    expect(body).toEqual({ published: expected.length })
    expect(running.texts()).toEqual(expected)
  })

  it('takes key, event time and properties from headers', async () => {
    const running = await http({ propertyHeaders: 'X-Region, x-absent', remoteAddressProperty: 'remote' })
    const key = Buffer.from('schlüssel').toString('latin1')
    await post(running, 'one', {
      headers: { 'x-pulsar-key': key, 'x-pulsar-event-time': '2024-05-01T12:00:00Z', 'x-region': 'eu' },
    })
    await post(running, 'two', { headers: { 'x-pulsar-event-time': '1714564800000' } })
    expect(running.records[0]).toMatchObject({
      key: 'schlüssel',
      eventTime: Date.UTC(2024, 4, 1, 12),
      properties: { 'X-Region': 'eu', remote: '127.0.0.1' },
    })
    expect(running.records[1]).toMatchObject({ eventTime: 1714564800000, properties: { remote: '127.0.0.1' } })
    expect(running.records[1]).not.toHaveProperty('key')
  })

  it('takes another header for the key', async () => {
    const running = await http({ keyHeader: 'X-Device' })
    await post(running, 'one', { headers: { 'X-Device': 'd1', 'X-Pulsar-Key': 'no' } })
    expect(running.records[0]?.key).toBe('d1')
  })

  it('unpacks gzip', async () => {
    const running = await http()
    const { status } = await post(running, gzipSync('packed'), { headers: { 'content-encoding': 'gzip' } })
    expect(status).toBe(200)
    expect(running.texts()).toEqual(['packed'])
  })

  it('hands on JSON values', async () => {
    const running = await http({ schemaType: 'json' })
    await post(running, '{"a":[1,null]}')
    expect(running.records[0]?.value).toEqual({ a: [1, null] })
  })

  describe('refuses, saying why, and publishes nothing', () => {
    it.each<[string, { [option: string]: unknown }, Body, RequestInit, number, RegExp]>([
      ['an empty body', {}, '', {}, 400, /body is empty/],
      ['only empty lines', { bodyFraming: 'lines' }, '\n\r\n\n', {}, 400, /body is empty/],
      ['broken gzip', {}, 'plain', { headers: { 'content-encoding': 'gzip' } }, 400, /not gzip/],
      ['an unknown encoding', {}, 'x', { headers: { 'content-encoding': 'br' } }, 415, /br is not supported/],
      ['no JSON', { schemaType: 'json' }, '{"a":', {}, 400, /not JSON/],
      [
        'one line that is no JSON',
        { schemaType: 'json', bodyFraming: 'lines' },
        '1\n{\n3',
        {},
        400,
        /record 2: not JSON.*nothing was published/,
      ],
      ['no UTF-8', { schemaType: 'string' }, Buffer.from([0xff]), {}, 400, /not UTF-8/],
      ['a body that is too large', { maxBodyBytes: 10 }, 'x'.repeat(11), {}, 413, /maxBodyBytes, 10 bytes/],
      [
        'a body that unpacks too large',
        { maxBodyBytes: 1000 },
        gzipSync('x'.repeat(1001)),
        { headers: { 'content-encoding': 'gzip' } },
        413,
        /maxBodyBytes, 1000 bytes/,
      ],
      ['another method', {}, null, { method: 'DELETE' }, 405, /DELETE is not supported/],
      ['a GET', {}, null, { method: 'GET' }, 405, /POST or PUT/],
      ['another path', { path: '/in' }, 'x', {}, 404, /records go to \/in/],
      ['a missing token', { token: 's3cret' }, 'x', {}, 401, /token/],
      ['a wrong token', { token: 's3cret' }, 'x', { headers: { authorization: 'Bearer s3cre' } }, 401, /token/],
      ['a wrong event time', {}, 'x', { headers: { 'x-pulsar-event-time': 'soon' } }, 400, /X-Pulsar-Event-Time/],
    ])('%s', async (_, config, body, init, status, reason) => {
      const running = await http(config)
      const answer = await post(running, body, init)
      expect(answer.status).toBe(status)
      expect(answer.body).toMatchObject({ error: expect.stringMatching(reason), published: 0 })
      expect(running.records).toEqual([])
      expect(running.metric('netty_refused_requests')).toBe(1)
      expect(running.context.logger.messages().join('\n')).not.toContain('s3cret')
    })
  })

  it('takes requests with the token, on the path', async () => {
    const running = await http({ token: 's3cret', path: '/in' })
    const response = await fetch(`http://127.0.0.1:${running.port}/in?from=test`, {
      method: 'PUT',
      body: 'x',
      headers: { authorization: 'bearer s3cret' },
    })
    expect(response.status).toBe(200)
  })

  it('refuses a chunked body while it grows too large, and the connection stays of use', async () => {
    const running = await http({ maxBodyBytes: 1000 })
    const socket = await client(running.port)
    const answers: string[] = []
    socket.on('data', data => answers.push(String(data)))
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    socket.write(`7d0\r\n${'x'.repeat(2000)}\r\n`)
    await until(() => expect(answers.join('')).toContain('413'))
    socket.write('0\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok')
    await until(() => expect(answers.join('')).toContain('200 OK'))
    expect(running.texts()).toEqual(['ok'])
  })

  it('says before the body is sent that it is too large', async () => {
    const running = await http({ maxBodyBytes: 1000 })
    const answer = await new Promise<string>((resolve, reject) => {
      const request = httpRequest({
        port: running.port,
        method: 'POST',
        headers: { expect: '100-continue', 'content-length': 2000 },
      })
      request.on('continue', () => resolve('continue'))
      request.on('response', response => resolve(`${response.statusCode} ${response.headers.connection}`))
      request.on('error', reject)
      request.flushHeaders()
    })
    expect(answer).toBe('413 close')
  })

  it('lets a client that asks first send its body', async () => {
    const running = await http()
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest({ port: running.port, method: 'POST', headers: { expect: '100-continue' } })
      request.on('continue', () => request.end('asked'))
      request.on('response', response => resolve(response.resume().statusCode))
      request.on('error', reject)
      request.flushHeaders()
    })
    expect(status).toBe(200)
    expect(running.texts()).toEqual(['asked'])
  })

  it.each([
    [new RecordError('does not fit', { code: 'PIO_SCHEMA_ENCODE' }), 422, 'PIO_SCHEMA_ENCODE'],
    [new ConnectorError('PIO_CONNECTION', 'reconnect', 'broker away'), 503, 'PIO_CONNECTION'],
    [new ConnectorError('PIO_DISK', 'stop', 'disk broken'), 502, 'PIO_DISK'],
    [new Error('boom'), 502, undefined],
  ])('says how many records were published when one was not: %s', async (error, status, code) => {
    const running = await http({ bodyFraming: 'lines' }, async records => {
      for (const record of records)
        if (String(record.value) === 'bad') await record.fail?.(error)
        else await record.ack?.()
    })
    const answer = await post(running, 'good\nbad\ngood')
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({
      error: `2 of 3 records were published: ${error.message}`,
      published: 2,
      ...(code ? { code } : {}),
    })
    expect(answer.headers.get('retry-after')).toBe(status === 503 ? '1' : null)
  })

  it('answers 502 when the runtime takes nothing more', async () => {
    const running = await http({}, () => Promise.reject(new Error('stopping')))
    expect(await post(running, 'one')).toMatchObject({ status: 502, body: { published: 0 } })
  })

  it('answers 504 when the records are not confirmed in time', async () => {
    const running = await http({ publishTimeout: '100ms' }, async () => undefined)
    const answer = await post(running, 'one')
    expect(answer.status).toBe(504)
    expect(answer.body).toMatchObject({ error: expect.stringMatching(/may still be published/) })
  })

  it('answers 503 while the requests under way fill the memory bound, and takes more afterwards', async () => {
    const waiting: SourceRecord[] = []
    const running = await http({ maxBufferedBytes: 20_000 }, async records => void waiting.push(...records))
    const first = post(running, 'x'.repeat(15_000))
    await until(() => expect(waiting).toHaveLength(1))
    const second = await post(running, 'y'.repeat(15_000))
    expect(second.status).toBe(503)
    expect(second.headers.get('retry-after')).toBe('1')
    expect(second.body).toMatchObject({ error: expect.stringMatching(/maxBufferedBytes, 20000/) })
    await waiting[0]?.ack?.()
    expect((await first).status).toBe(200)
    const third = post(running, 'z'.repeat(15_000))
    await until(() => expect(waiting).toHaveLength(2))
    await waiting[1]?.ack?.()
    expect((await third).status).toBe(200)
  })

  it.each([
    ['headers', 'POST / HTTP/1.1\r\nHost: x\r\n'],
    ['body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nslow'],
  ])('gives up on a client that is too slow with its %s', async (_, beginning) => {
    const running = await http({ headersTimeout: 200, requestTimeout: 200 })
    const socket = await client(running.port)
    let answer = ''
    socket.on('data', data => {
      answer += data
    })
    socket.on('error', () => undefined) // The server may cut it off while it is being read.
    socket.write(beginning)
    await until(() => expect(answer).toMatch(/^HTTP\/1.1 408 /))
    expect(running.records).toEqual([])
    expect((await post(running, 'quick')).status).toBe(200)
  })

  it('answers 400 to what is no HTTP', async () => {
    const running = await http()
    const socket = await client(running.port)
    let answer = ''
    socket.on('data', data => {
      answer += data
    })
    socket.write('hello\n')
    await until(() => expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*this is no HTTP request/))
  })

  it('publishes nothing of a request that breaks off', async () => {
    const running = await http()
    const socket = await client(running.port)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf')
    await new Promise(resolve => setTimeout(resolve, 50))
    socket.destroy()
    await until(() => expect(running.metric('netty_failed_connections')).toBe(1))
    expect(running.records).toEqual([])
  })

  it('finishes requests under way before it closes, and takes no new ones', async () => {
    const waiting: SourceRecord[] = []
    const running = await http({}, async records => void waiting.push(...records))
    const idle = await client(running.port)
    const kept = await client(running.port)
    const answers: string[] = []
    kept.on('data', data => answers.push(String(data)))
    kept.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na')
    await until(() => expect(waiting).toHaveLength(1))
    const closing = running.source.close()
    kept.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb')
    await new Promise(resolve => setTimeout(resolve, 50))
    await waiting[0]?.ack?.()
    await closing
    await until(() => expect(answers.join('')).toMatch(/200 OK/))
    expect(running.texts()).toEqual(['a'])
    idle.destroy()
  })

  it('does not wait longer than closeTimeout', async () => {
    const running = await http({ closeTimeout: 50 }, () => new Promise(() => undefined))
    const answer = post(running, 'one').catch(() => 'cut off')
    await until(() => expect(running.records).toHaveLength(1))
    await running.source.close()
    expect(await answer).toBe('cut off')
  })
})
