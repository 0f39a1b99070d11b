import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certificate, makeCertificate } from './certificates.ts'
import { client, ending, start, until } from './harness.ts'

let server: Certificate
let user: Certificate

beforeAll(() => {
  server = makeCertificate('server')
  user = makeCertificate('user')
})

afterAll(() => {
  for (const { folder } of [server, user]) rmSync(folder, { recursive: true, force: true })
})

const tls = (more = {}) => ({ enabled: true, certFile: server.certFile, keyFile: server.keyFile, ...more })

describe('tls', () => {
  it('takes lines over TLS, and ends orderly when they are published', async () => {
    const running = await start({ tls: tls() })
    const options = { port: running.port, host: '127.0.0.1', ca: server.cert, allowHalfOpen: true }
    const socket = connect(options)
    await once(socket, 'secureConnect')
    socket.end('one\ntwo\n')
    expect(await ending(socket)).toBe('end')
    expect(running.texts()).toEqual(['one', 'two'])
  })

  it('takes requests over TLS', async () => {
    const running = await start({ type: 'http', tls: tls() })
    const options = { port: running.port, host: '127.0.0.1', method: 'POST', ca: server.cert, agent: false } as const
    const status = await new Promise((resolve, reject) => {
      request(options, response => resolve(response.resume().statusCode))
        .on('error', reject)
        .end('one')
    })
    expect(status).toBe(200)
    expect(running.texts()).toEqual(['one'])
  })

  it.each(['tcp', 'http'])('lets only clients with a certificate in: %s', async type => {
    const running = await start({ type, tls: tls({ requireClientCert: true, caFile: user.certFile }) })
    const common = { port: running.port, host: '127.0.0.1', ca: server.cert }
    const line = type === 'tcp' ? 'one\n' : 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none'
    const stranger = connect(common)
    stranger.on('error', () => undefined) // Being refused is the point.
    stranger.write(line)
    await new Promise(resolve => stranger.on('close', resolve))
    expect(running.records).toEqual([])
    await until(() => expect(running.metric('netty_refused_connections')).toBe(1))
    const known = connect({ ...common, cert: user.cert, key: user.key })
    known.write(line)
    await until(() => expect(running.texts()).toEqual(['one']))
    known.destroy()
  })

  it.each(['tcp', 'http'])('closes a connection that speaks no TLS: %s', async type => {
    const running = await start({ type, tls: tls() })
    const socket = await client(running.port)
    socket.write('POST / HTTP/1.1\r\n\r\n')
    await ending(socket)
    await until(() => expect(running.metric('netty_refused_connections')).toBe(1))
    expect(running.context.logger.messages('warn')[0]).toContain('TLS handshake failed')
  })

  it.each(['tcp', 'http'])('closes while a handshake is not through: %s', async type => {
    const running = await start({ type, tls: tls(), closeTimeout: 50 })
    const socket = await client(running.port)
    await new Promise(resolve => setTimeout(resolve, 50))
    const ended = ending(socket)
    await running.source.close()
    await ended
  })

  it('lists every file that is of no use', async () => {
    const none = join(server.folder, 'none.pem')
    const noPem = join(server.folder, 'no-pem.pem')
    writeFileSync(noPem, 'something else')
    const opening = start({ tls: tls({ certFile: none, requireClientCert: true, caFile: noPem }) })
    await expect(opening).rejects.toMatchObject({
      code: 'PIO_CONFIG',
      retry: 'stop',
      problems: [
        { path: 'tls.certFile', message: expect.stringContaining(none) },
        { path: 'tls.caFile', message: expect.stringContaining(`${noPem} is not PEM`) },
      ],
    })
  })

  it('refuses a key that belongs to another certificate', async () => {
    await expect(start({ tls: tls({ keyFile: user.keyFile }) })).rejects.toThrow(/tls\.keyFile: .*does it belong to/)
  })
})
