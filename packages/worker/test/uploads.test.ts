import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { openMessaging } from '@pulsar-io/engine'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectorEntries, tgz } from '../../engine/test/archive/make-archive.ts'
import { call, eventually, form, Place, probe } from './support.ts'

let place: Place

beforeEach(() => {
  place = new Place()
})
afterEach(() => place.close())

const SINK = '/admin/v3/sinks/public/default/s'

/** Everything that an upload could have left: files, and archives in the store. */
async function leftovers(): Promise<readonly string[]> {
  const client = await openMessaging({ url: `embedded:${place.path('data')}` })
  const store = await client.openStore('public/functions/archives')
  const keys = (await store.entries()).map(([key]) => key)
  await client.close()
  return [...(await place.uploads()), ...keys]
}

describe('hostile uploads', () => {
  const bare = { inputs: ['in'], configs: { file: 'x' } }
  const hostile: readonly (readonly [what: string, bytes: () => Uint8Array, reason: RegExp])[] = [
    ['nothing', () => new Uint8Array(), /the file is empty/],
    ['no archive', () => Buffer.from('#!/bin/sh\n'), /not a gzipped tar/],
    ['a Java archive', () => Buffer.from('PK\u0003\u0004nar'), /zip file, such as a NAR/],
    ['half an archive', () => probe().subarray(0, 500), /damaged or cut off|end mark|manifest/],
    ['an archive without a manifest', () => tgz([{ path: 'package/package.json', content: '{}' }]), /pulsar-io\.json/],
    ['a path that leads out', () => tgz([...connectorEntries(), { path: 'package/../../evil', content: 'x' }]), /evil/],
    [
      'a link',
      () => tgz([...connectorEntries(), { path: 'package/link', type: 'SymbolicLink', linkpath: '/etc/passwd' }]),
      /link/,
    ],
    ['a bomb', () => gzipSync(Buffer.alloc(300 * 1024 * 1024)), /unpacks to more than|no tar|damaged/],
  ]
  it.each(hostile)('%s is refused and leaves nothing behind', async (_, bytes, reason) => {
    const worker = await place.worker()
    const { status, body } = await call(worker, 'POST', SINK, form('sink', bare, bytes(), '../../evil.tgz'))
    expect(status).toBe(400)
    const { reason: told } = body as { reason: string }
    expect(told).toMatch(reason)
    // Where the worker keeps it is nobody's business.
    expect(told).not.toContain(place.folder)
    expect(await leftovers()).toEqual([])
    expect((await call(worker, 'GET', SINK)).status).toBe(404)
  })

  it('that are too large are refused and leave nothing behind', async () => {
    const worker = await place.worker({ limits: { requestsPerSecond: 0, uploadBytes: 10_000 } })
    const { status } = await call(worker, 'POST', SINK, form('sink', bare, Buffer.alloc(1_000_000)))
    expect(status).toBe(413)
    expect(await leftovers()).toEqual([])
  })

  it('that break off leave nothing behind', async () => {
    const worker = await place.worker()
    const socket = connect(worker.port, '127.0.0.1')
    socket.write(
      `POST ${SINK} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n` +
        '--b\r\nContent-Disposition: form-data; name="data"; filename="x.tgz"\r\nContent-Type: application/octet-stream\r\n\r\n' +
        'x'.repeat(1_000),
    )
    await eventually(async () => (await place.uploads()).length === 1, 'the upload begins')
    socket.destroy()
    await eventually(async () => (await place.uploads()).length === 0, 'the upload is gone')
  })

  it('that a killed worker left go with the next start', async () => {
    mkdirSync(place.path('work/uploads'), { recursive: true })
    writeFileSync(place.path('work/uploads/old.upload'), 'x')
    await place.worker()
    expect(await place.uploads()).toEqual([])
  })

  it('with wrong options are not stored', async () => {
    const worker = await place.worker()
    const { status, body } = await call(worker, 'POST', SINK, form('sink', { inputs: ['in'], configs: {} }, probe()))
    expect({ status, body }).toEqual({ status: 400, body: { reason: 'configs.file: required: where to write' } })
    expect(await leftovers()).toEqual([])
  })
})

describe('bodies', () => {
  const wrong: readonly (readonly [
    what: string,
    body: () => FormData | object | undefined,
    status: number,
    reason: RegExp,
  ])[] = [
    ['no configuration', () => new FormData(), 400, /sinkConfig/],
    ['a configuration that is no JSON', () => withText('{nope'), 400, /not JSON/],
    ['a configuration that is no object', () => form('sink', [1]), 400, /must be a JSON object/],
    ['nothing', () => undefined, 400, /multipart\/form-data/],
    ['a list', () => [1], 400, /multipart\/form-data/],
  ]
  it.each(wrong)('%s is refused', async (_, body, status, reason) => {
    const worker = await place.worker()
    const answer = await call(worker, 'POST', SINK, body())
    expect(answer.status).toBe(status)
    expect((answer.body as { reason: string }).reason).toMatch(reason)
  })
})

function withText(text: string): FormData {
  const made = new FormData()
  made.append('sinkConfig', text)
  return made
}

describe('packages by url', () => {
  const byUrl = (url: string) => {
    const made = form('sink', {
      inputs: ['in'],
      configs: { file: place.path('out') },
      sourceSubscriptionPosition: 'Earliest',
    })
    made.append('url', url)
    return made
  }

  it('come from the connectors folder, and from no other that is not allowed', async () => {
    const worker = await place.worker({ connectorsDir: place.path('connectors') })
    mkdirSync(place.path('connectors'))
    writeFileSync(place.path('connectors/probe.tgz'), probe())
    symlinkSync(place.path('probe.tgz'), place.path('connectors/link.tgz'))
    const url = (name: string) => pathToFileURL(place.path(name)).href
    for (const name of [
      'probe.tgz',
      'connectors/../probe.tgz',
      'connectors/link.tgz',
      'connectors/nope.tgz',
      'data/data.mdb',
    ]) {
      const { status, body } = await call(worker, 'POST', SINK, byUrl(url(name)))
      expect({ status, body }, name).toEqual({
        status: 400,
        body: { reason: expect.stringContaining('is not in the connectors folder') },
      })
    }
    expect((await call(worker, 'POST', SINK, byUrl(url('connectors/probe.tgz')))).status).toBe(204)
    expect((await call(worker, 'GET', SINK)).body).not.toHaveProperty('archive')
    await place.produce('in', 'a')
    await eventually(() => place.lines().length === 1, 'it runs')
  })

  it('come over http from allowed addresses only', async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end(probe())
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const closed = await place.worker()
      expect((await call(closed, 'POST', SINK, byUrl(`${origin}/connectors/probe.tgz`))).status).toBe(400)
      expect(asked).toEqual([])
      await closed.close()
      const worker = await place.worker({ allowedUrls: [`${origin}/connectors/`] })
      expect((await call(worker, 'POST', SINK, byUrl(`${origin}/secret/probe.tgz`))).status).toBe(400)
      expect(asked).toEqual([])
      expect((await call(worker, 'POST', SINK, byUrl(`${origin}/connectors/probe.tgz`))).status).toBe(204)
      expect(asked).toEqual(['/connectors/probe.tgz'])
    } finally {
      server.closeAllConnections()
      server.close()
    }
    // Kept here from now on: the server is gone.
    expect(readdirSync(place.path('work')).sort()).toEqual(['archives', 'uploads'])
    await place.produce('in', 'a')
    await eventually(() => place.lines().length === 1, 'it runs')
  })
})
