import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TlsOptions as ServerOptions } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectionOptions, type TlsOptions, tlsFailure } from '../../src/connection/tls-options.ts'
import { tlsFile } from '../support/tls-file.ts'

let folder: string
const servers: Server[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pulsar-tls-'))
})

afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await rm(folder, { recursive: true })
})

async function listen(options: ServerOptions = {}): Promise<number> {
  const pem = readFileSync(tlsFile('server'))
  const server = createServer({ key: pem, cert: pem, ...options }, socket => socket.end('welcome'))
  return listenOn(server)
}

async function listenOn(server: Server): Promise<number> {
  servers.push(server)
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** What the server says first, or the error that the driver would report. */
async function greeting(port: number, options: TlsOptions, host = '127.0.0.1'): Promise<string> {
  const socket = connect({ ...(await connectionOptions(options, host)), host: '127.0.0.1', port })
  try {
    const [data] = (await once(socket, 'data')) as [Buffer]
    return data.toString()
  } catch (error) {
    throw tlsFailure('broker:6651', error) ?? error
  } finally {
    socket.destroy()
  }
}

const refused = (text: string) => expect.objectContaining({ code: 'PIO_PULSAR_TLS', retry: 'block', message: text })

describe('TLS', () => {
  it('trusts the authority of a file, or of a text', async () => {
    const port = await listen()
    expect(await greeting(port, { trustCerts: tlsFile('ca') })).toBe('welcome')
    expect(await greeting(port, { trustCerts: readFileSync(tlsFile('ca'), 'utf8') })).toBe('welcome')
  })

  it('names an authority that is not known', async () => {
    await expect(greeting(await listen(), {})).rejects.toEqual(
      refused(expect.stringMatching(/^cannot connect to broker:6651 with TLS: its certificate is not from a trusted/)),
    )
  })

  it('takes any certificate when told to', async () => {
    expect(await greeting(await listen(), { allowInsecure: true })).toBe('welcome')
  })

  it('checks the name of the host unless told not to', async () => {
    const port = await listen()
    const trustCerts = tlsFile('ca')
    expect(await greeting(port, { trustCerts }, 'localhost')).toBe('welcome')
    await expect(greeting(port, { trustCerts }, 'elsewhere')).rejects.toEqual(
      refused(expect.stringContaining('names other hosts')),
    )
    expect(await greeting(port, { trustCerts, verifyHostname: false }, 'elsewhere')).toBe('welcome')
  })

  it('shows its own certificate', async () => {
    const port = await listen({ requestCert: true, rejectUnauthorized: true, ca: readFileSync(tlsFile('ca')) })
    const trustCerts = tlsFile('ca')
    const client = tlsFile('client')
    expect(await greeting(port, { trustCerts, cert: client, key: client })).toBe('welcome')
    await expect(greeting(port, { trustCerts })).rejects.toEqual(
      refused(expect.stringContaining('asks for a certificate of the client')),
    )
  })

  it('knows a port without TLS', async () => {
    const port = await listenOn(createPlainServer(socket => socket.end('this is not TLS')))
    await expect(greeting(port, {})).rejects.toEqual(refused(expect.stringContaining('does not speak TLS')))
  })

  it('names the file that is missing or in another format', async () => {
    const der = join(folder, 'ca.der')
    await writeFile(der, Buffer.from([0x30, 0x82]))
    await expect(connectionOptions({ trustCerts: join(folder, 'none.pem') }, 'a')).rejects.toEqual(
      refused(expect.stringMatching(/the trusted certificates cannot be read: ENOENT.*none\.pem/)),
    )
    await expect(connectionOptions({ key: der }, 'a')).rejects.toEqual(
      refused(`the private key of the client: ${der} is not in PEM format (no "-----BEGIN")`),
    )
  })

  it('leaves errors of the network to others', () => {
    expect(tlsFailure('a:1', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))).toBeUndefined()
  })
})
