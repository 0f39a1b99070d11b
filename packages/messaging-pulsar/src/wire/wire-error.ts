import { ConnectionError, type ConnectorError } from '@pulsar-io/sdk/core'

/** The other side sent what this protocol does not know; `reconnect`, since a new connection begins afresh. */
export function wireError(message: string, cause?: unknown): ConnectorError {
  return new ConnectionError(`the broker sent something that is not Pulsar's protocol: ${message}`, {
    code: 'PIO_PULSAR_PROTOCOL',
    ...(cause === undefined ? {} : { cause }),
  })
}
