import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { service } from '@pulsar-io/tooling/services'
import { describe, expect, it } from 'vitest'
import { fixture, serverTls, startProxy } from '../proxy.ts'
import { codes, documents, failure, openSink } from '../support.ts'

// Each of the two clients that the sink is built on.
const clients = await Promise.all(
  (['elasticsearch', 'opensearch'] as const).map(async name => ({ name, server: await service(name) })),
)
const CA = fixture('ca.pem')

for (const { name, server } of clients) {
  const target = server.available ? server.url : ''
  const index = (label: string) => `net-${label}-${Date.now()}-${process.pid}`

  describe.skipIf(!server.available)(`the network before ${name}`, () => {
    it('trusts its own authority over TLS', async () => {
      await using proxy = await startProxy(target, serverTls())
      const options = {
        elasticSearchUrl: proxy.url,
        indexName: index('tls'),
        ssl: { enabled: true, truststorePath: CA },
      }
      await using sink = await openSink(options)
      expect(codes(await sink.write(documents([{ a: 1 }])))).toEqual([undefined])
    })

    it('refuses an authority that it does not trust, and says what to set', async () => {
      await using proxy = await startProxy(target, serverTls())
      const error = await failure(openSink({ elasticSearchUrl: proxy.url }))
      expect(error).toMatchObject({ code: 'PIO_ES_TLS', retry: 'reconnect' })
      expect(error.message).toMatch(/https:\/\/localhost:\d+.*ssl\.truststorePath/)
      await using sink = await openSink({
        elasticSearchUrl: proxy.url,
        indexName: index('blind'),
        ssl: { enabled: true, disableCertificateValidation: true },
      })
      expect(sink.context.logger.messages('warn')).toHaveLength(1)
    })

    it('compares the certificate with the host, unless told otherwise', async () => {
      await using proxy = await startProxy(target, serverTls())
      const elasticSearchUrl = proxy.url.replace('localhost', '127.0.0.1')
      const ssl = { enabled: true, truststorePath: CA }
      const error = await failure(openSink({ elasticSearchUrl, ssl }))
      expect(error).toMatchObject({ code: 'PIO_ES_TLS', message: expect.stringContaining('another host') })
      await (
        await openSink({ elasticSearchUrl, indexName: index('host'), ssl: { ...ssl, hostnameVerification: false } })
      ).close()
    })

    it.each([
      { keystorePath: fixture('client.pem') },
      { keystorePath: fixture('client.p12'), keystorePassword: 'changeit' },
    ])('shows its own certificate: %o', async keystore => {
      const demanding = serverTls({ requestCert: true, rejectUnauthorized: true, ca: readFileSync(CA) })
      await using proxy = await startProxy(target, demanding)
      const common = { elasticSearchUrl: proxy.url, indexName: index('mtls') }
      const ssl = { enabled: true, truststorePath: CA }
      await (await openSink({ ...common, ssl: { ...ssl, ...keystore } })).close()
      expect(await failure(openSink({ ...common, ssl }))).toMatchObject({ retry: 'reconnect' })
    })

    it('uses only the TLS versions that are named', async () => {
      await using proxy = await startProxy(target, serverTls({ minVersion: 'TLSv1.3' }))
      const common = { elasticSearchUrl: proxy.url, indexName: index('versions') }
      const ssl = { enabled: true, truststorePath: CA }
      expect(await failure(openSink({ ...common, ssl }))).toMatchObject({
        code: 'PIO_ES_TLS',
        message: expect.stringContaining('ssl.protocols'),
      })
      await (await openSink({ ...common, ssl: { ...ssl, protocols: 'TLSv1.2,TLSv1.3' } })).close()
    })

    it.each([
      [{ username: 'jö', password: 'pa:ss' }, `Basic ${Buffer.from('jö:pa:ss').toString('base64')}`],
      [{ token: 'tok' }, 'Bearer tok'],
      [{ apiKey: 'a2V5' }, 'ApiKey a2V5'],
      [{}, undefined],
    ])('authenticates with %o', async (credentials, expected) => {
      await using proxy = await startProxy(target)
      await using sink = await openSink({ elasticSearchUrl: proxy.url, indexName: index('auth'), ...credentials })
      await sink.write(documents([{ a: 1 }]))
      expect(new Set(proxy.seen.map(({ headers }) => headers.authorization))).toEqual(new Set([expected]))
    })

    it('shows a password to nobody, whatever fails', async () => {
      await using proxy = await startProxy(target)
      const credentials = { username: 'jo', password: 'hunter2' }
      await using sink = await openSink({ elasticSearchUrl: proxy.url, indexName: index('secret'), ...credentials })
      for (const status of [401, 403, 404, 413, 429, 503]) {
        proxy.intercept = (_, response) => Boolean(response.writeHead(status).end('no'))
        const error = await sink.write(documents([{ a: 1 }])).then(
          ([outcome]) => outcome,
          caught => caught,
        )
        const { inspect } = await import('node:util')
        const text = inspect(error, { depth: 20 }) + JSON.stringify(error)
        expect(text).toContain('PIO_ES_')
        expect(text).not.toMatch(/hunter2|am86aHVudGVyMg/)
      }
    })

    it('blocks on 401, naming the user', async () => {
      await using proxy = await startProxy(target)
      proxy.intercept = (_, response) => Boolean(response.writeHead(401).end('no'))
      const error = await failure(openSink({ elasticSearchUrl: proxy.url, username: 'jo', password: 'x' }))
      expect(error).toMatchObject({
        code: 'PIO_ES_AUTH',
        retry: 'block',
        message: expect.stringContaining('user "jo"'),
      })
    })

    it('retries what the server has no room for', async () => {
      await using proxy = await startProxy(target)
      await using sink = await openSink({ elasticSearchUrl: proxy.url, indexName: index('busy') })
      proxy.intercept = (_, response) => Boolean(response.writeHead(429, { 'retry-after': '2' }).end())
      expect(await failure(sink.write(documents([{ a: 1 }])))).toMatchObject({ retry: 'retry', retryAfterMs: 2000 })
      proxy.intercept = () => false
      expect(codes(await sink.write(documents([{ a: 1 }])))).toEqual([undefined])
    })

    it('splits what is too large for the way there', async () => {
      await using proxy = await startProxy(target)
      await using sink = await openSink({ elasticSearchUrl: proxy.url, indexName: index('large') })
      proxy.intercept = (_, response, length) => length > 5000 && Boolean(response.writeHead(413).end())
      const values = Array.from({ length: 64 }, (_, n) => ({ n, text: 'x'.repeat(n === 40 ? 6000 : 200) }))
      const outcomes = await sink.write(documents(values))
      expect(outcomes.map((outcome, n) => (outcome ? n : -1)).filter(n => n >= 0)).toEqual([40])
      expect(outcomes[40]).toMatchObject({ code: 'PIO_ES_TOO_LARGE', retry: 'reject' })
    })

    it('gives up waiting for an answer', async () => {
      await using proxy = await startProxy(target)
      const options = { elasticSearchUrl: proxy.url, indexName: index('slow'), socketTimeoutInMs: 300 }
      await using sink = await openSink(options)
      proxy.intercept = () => true
      expect(await failure(sink.write(documents([{ a: 1 }])))).toMatchObject({
        code: 'PIO_ES_TIMEOUT',
        retry: 'reconnect',
      })
    })

    it.each([true, false])('compresses requests where asked to: %s', async compressionEnabled => {
      await using proxy = await startProxy(target)
      await using sink = await openSink({ elasticSearchUrl: proxy.url, indexName: index('gzip'), compressionEnabled })
      expect(codes(await sink.write(documents([{ a: 1 }])))).toEqual([undefined])
      expect(proxy.seen.at(-1)?.headers['content-encoding']).toBe(compressionEnabled ? 'gzip' : undefined)
    })

    it('gives up when told to stop', async () => {
      await using proxy = await startProxy(target)
      await using sink = await openSink({ elasticSearchUrl: proxy.url, indexName: index('stop') })
      const stop = new AbortController()
      proxy.intercept = () => {
        stop.abort()
        return true
      }
      expect(await failure(sink.write(documents([{ a: 1 }]), stop.signal))).toMatchObject({ retry: 'reconnect' })
    })

    it('goes on when the server does not tell its name to a user that may only write', async () => {
      await using proxy = await startProxy(target)
      const product = { 'x-elastic-product': 'Elasticsearch' }
      const [compatibilityMode, headers] = name === 'opensearch' ? ['OPENSEARCH', {}] : ['AUTO', product]
      proxy.intercept = ({ path }, response) => path === '/' && Boolean(response.writeHead(403, headers).end())
      await using sink = await openSink({ elasticSearchUrl: proxy.url, indexName: index('mute'), compatibilityMode })
      expect(codes(await sink.write(documents([{ a: 1 }])))).toEqual([undefined])
      proxy.intercept = ({ path }, response) => path === '/' && Boolean(response.writeHead(403).end())
      expect(await failure(openSink({ elasticSearchUrl: proxy.url }))).toMatchObject({
        code: 'PIO_ES_FORBIDDEN',
        message: expect.stringContaining('set compatibilityMode'),
      })
    })
  })
}

describe('no server at all', () => {
  it.each(['AUTO', 'OPENSEARCH'])('names the address and the reason (%s)', async compatibilityMode => {
    const refused = await failure(openSink({ elasticSearchUrl: 'http://127.0.0.1:9', compatibilityMode }))
    expect(refused).toMatchObject({ code: 'PIO_ES_UNREACHABLE', retry: 'reconnect' })
    expect(refused.message).toMatch(/http:\/\/127\.0\.0\.1:9: .*ECONNREFUSED.*nothing listens/)
    const unknown = await failure(openSink({ elasticSearchUrl: 'http://no-such-host.invalid:9200', compatibilityMode }))
    expect(unknown).toMatchObject({ code: 'PIO_ES_UNREACHABLE', retry: 'reconnect' })
  })

  it.each(['AUTO', 'OPENSEARCH'])('tells that the other side speaks no TLS (%s)', async compatibilityMode => {
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const error = await failure(openSink({ elasticSearchUrl: `https://127.0.0.1:${port}`, compatibilityMode }))
    await new Promise(resolve => server.close(resolve))
    expect(error).toMatchObject({ code: 'PIO_ES_TLS', message: expect.stringContaining('http://') })
  })

  it.each(['AUTO', 'OPENSEARCH'])('gives up connecting to what never answers (%s)', async compatibilityMode => {
    const sockets: Socket[] = []
    const server = createServer(socket => void sockets.push(socket.on('error', () => socket.destroy())))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const options = { elasticSearchUrl: `https://127.0.0.1:${port}`, connectTimeoutInMs: 200, compatibilityMode }
    const error = await failure(openSink(options))
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
    expect(error).toMatchObject({ code: 'PIO_ES_TIMEOUT', retry: 'reconnect' })
    expect(error.message).toMatch(/200 ?ms/)
  })
})
