import type { ConnectorContext } from '@pulsar-io/sdk'
import { openBroker } from './client.ts'
import type { ConnectionConfig } from './connection-options.ts'
import { brokerProblem, connectError, type Where } from './errors.ts'
import { type Broker, BrokerError, type ConnectionEvents, type Declaration } from './port.ts'
import { tlsSettings } from './tls.ts'

/** Connects and logs in. Throws a ConfigError, ConnectionError or AuthError that says what is wrong. */
export async function connectTo(
  config: ConnectionConfig,
  context: ConnectorContext,
  where: Where,
  events: ConnectionEvents,
): Promise<Broker> {
  const tls = await tlsSettings(config)
  if (tls?.rejectUnauthorized === false)
    context.logger.warn('tls.disableCertificateValidation: any certificate is believed, so the connection is not safe')
  const limits = [config.connectionTimeout, config.handshakeTimeout].filter(limit => limit > 0)
  try {
    return await openBroker(
      {
        host: config.host,
        port: config.port,
        virtualHost: config.virtualHost,
        username: config.username,
        password: config.password,
        connectionName: config.connectionName || `${context.tenant}/${context.namespace}/${context.name}`,
        channelMax: config.requestedChannelMax,
        frameMax: config.requestedFrameMax,
        heartbeat: config.requestedHeartbeat,
        timeoutMs: limits.length > 0 ? Math.min(...limits) : 0,
        tls,
      },
      events,
      context.signal,
    )
  } catch (error) {
    throw error instanceof BrokerError ? connectError(error, where) : error
  }
}

/** Sees to it that something is there. Throws what stands in the way, with `fix` as advice. */
export async function ensure(broker: Broker, operation: Declaration, where: Where, fix: string): Promise<void> {
  try {
    await broker.declare(operation)
  } catch (error) {
    throw error instanceof BrokerError ? brokerProblem(error, described(operation), where, fix) : error
  }
}

function described(operation: Declaration): string {
  switch (operation.kind) {
    case 'exchange':
      return `declare exchange '${operation.name}'`
    case 'existing exchange':
      return `use exchange '${operation.name}'`
    case 'queue':
      return `declare queue '${operation.name}'`
    case 'existing queue':
      return `use queue '${operation.name}'`
    case 'binding':
      return `bind queue '${operation.queue}' to exchange '${operation.exchange}'`
  }
}
