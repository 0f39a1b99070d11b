import { service } from '@pulsar-io/tooling/services'
import { afterAll, describe, expect, it } from 'vitest'
import { codes, documents, failure, openSink } from '../support.ts'

const server = await service('elasticsearch', { dedicated: true })
afterAll(async () => {
  if (server.available) await server.close()
})

describe.skipIf(!server.available)('a server that crashes', () => {
  it('is waited for, and gets every record once', async () => {
    if (!server.available) return
    const indexName = 'restart'
    await using sink = await openSink({ elasticSearchUrl: server.url, indexName, createIndexIfNeeded: true })
    const records = documents(Array.from({ length: 1000 }, (_, n) => ({ n })))
    expect(new Set(codes(await sink.write(records.slice(0, 500))))).toEqual(new Set([undefined]))
    await server.kill()
    expect(await failure(sink.write(records))).toMatchObject({ code: 'PIO_ES_UNREACHABLE', retry: 'reconnect' })
    await server.start()
    expect(new Set(codes(await sink.write(records)))).toEqual(new Set([undefined]))
    await fetch(`${server.url}/${indexName}/_refresh`, { method: 'POST' })
    const answer = await fetch(`${server.url}/${indexName}/_count`)
    expect(await answer.json()).toMatchObject({ count: 1000 })
  }, 60_000)
})
