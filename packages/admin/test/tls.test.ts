import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminError, type AdminTls, createAdmin } from '../src/index.ts'

const pem = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../tooling/services/tls/${name}.pem`, import.meta.url)), 'utf8')
const [ca, server, client] = [pem('ca'), pem('server'), pem('client')]

const bodies: string[] = []
const web = createServer({ key: server, cert: server, ca, requestCert: true, rejectUnauthorized: false })
web.on('request', async (request, response) => {
  bodies.push((await buffer(request)).toString())
  if (request.method !== 'GET') {
    response.writeHead(204).end()
    return
  }
  const { subject } = (request.socket as TLSSocket).getPeerCertificate()
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify([subject?.CN ?? 'nobody']))
})

let port: number
beforeAll(async () => {
  await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve))
  port = (web.address() as AddressInfo).port
})
afterAll(() => {
  web.closeAllConnections()
  web.close()
})

const asking = (host: string, tls?: AdminTls) => createAdmin({ url: `https://${host}:${port}`, tls }).sinks.list()
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'it succeeded',
    (error: AdminError) => error.code,
  )

describe('TLS', () => {
  it('trusts the authority that is given, and no other', async () => {
    expect(await asking('127.0.0.1', { ca })).toEqual(['nobody'])
    expect(await codeOf(asking('127.0.0.1'))).toBe('PIO_ADMIN_TLS')
    expect(await codeOf(asking('127.0.0.1', { cert: client, key: client }))).toBe('PIO_ADMIN_TLS')
  })

  it("shows the client's certificate", async () => {
    expect(await asking('127.0.0.1', { ca, cert: client, key: client })).not.toEqual(['nobody'])
  })

  it('wants the name of the host, unless it is told not to', async () => {
    // The certificate names 127.0.0.1 and localhost, and this is neither to whoever compares.
    const host = '[::ffff:127.0.0.1]'
    expect(await codeOf(asking(host, { ca }))).toBe('PIO_ADMIN_TLS')
    expect(await codeOf(asking(host, { ca, verifyHostname: false }))).toBe('it succeeded')
  })

  it('takes any certificate where it is told to', async () => {
    expect(await asking('127.0.0.1', { allowInsecure: true })).toEqual(['nobody'])
  })

  it('uploads', async () => {
    await createAdmin({ url: `https://127.0.0.1:${port}`, tls: { ca } }).sinks.create(
      { name: 'es' },
      { archive: fileURLToPath(import.meta.url) },
    )
    expect(bodies.at(-1)).toContain("it('uploads'")
  })
})
