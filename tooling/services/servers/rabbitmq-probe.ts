import { readFileSync } from 'node:fs'
import { connect } from 'amqplib'
import type { Connection, Users } from '../types.ts'
import { tlsFile } from './rabbitmq-home.ts'

/** The version of a RabbitMQ on which a channel can be opened. With `amqps` the tests' own certificates are shown. */
export async function probeRabbitmq({ url, credentials }: Connection & Users, signal: AbortSignal): Promise<string> {
  const address = new URL(url)
  if (credentials) {
    address.username = encodeURIComponent(credentials.username)
    address.password = encodeURIComponent(credentials.password)
  }
  const own = readFileSync(tlsFile('client.pem'))
  const tls = address.protocol === 'amqps:' ? { ca: [readFileSync(tlsFile('ca.pem'))], cert: own, key: own } : {}
  const connection = await connect(address.href, { ...tls, timeout: 3000 })
  // The connection is closed below; what goes wrong with it until then fails the calls.
  connection.on('error', () => undefined)
  const end = (): void => void connection.close().catch(() => undefined)
  signal.addEventListener('abort', end, { once: true })
  try {
    const channel = await connection.createChannel()
    await channel.close()
    return String((connection.connection.serverProperties as { version?: unknown }).version)
  } finally {
    signal.removeEventListener('abort', end)
    await connection.close()
  }
}
