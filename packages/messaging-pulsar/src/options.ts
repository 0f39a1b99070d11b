import type { Logger } from '@pulsar-io/sdk'
import type { Authentication } from './auth/authentication.ts'
import type { TlsOptions } from './connection/tls-options.ts'
import type { ConsumerDefaults } from './consumer/options.ts'
import type { ProducerDefaults } from './producer/options.ts'

/** How a cluster is reached. */
export interface PulsarOptions {
  /** `pulsar://host:6650`, `pulsar+ssl://…`, `http://…` or `https://…`; several hosts with commas. */
  readonly serviceUrl: string
  /** The admin interface, for what the binary protocol has no command for. Default: port 8080 (8443) of the hosts. */
  readonly adminUrl?: string | undefined
  readonly authentication?: Authentication | undefined
  readonly tls?: TlsOptions | undefined
  /** Milliseconds for the TCP connection and the handshake. Default 10000. */
  readonly connectTimeoutMs?: number | undefined
  /** Milliseconds that a request waits for its answer, and that opening something may take. Default 30000. */
  readonly operationTimeoutMs?: number | undefined
  /** Milliseconds of silence after which the broker is asked whether it is there. Default 30000. */
  readonly keepAliveMs?: number | undefined
  /** Which of the broker's advertised listeners to use. */
  readonly listenerName?: string | undefined
  /** Where to connect to for a broker's address, both `host:port`: for brokers behind port forwarding. */
  readonly mapAddress?: ((broker: string) => string) | undefined
  /** Milliseconds after which an open transaction is given up by the coordinator. Default 60000. */
  readonly transactionTimeoutMs?: number | undefined
  /** What producers do unless their own options say otherwise. */
  readonly producer?: ProducerDefaults | undefined
  /** What consumers do unless their own options say otherwise. */
  readonly consumer?: ConsumerDefaults | undefined
  /** Hears of failures in the background. */
  readonly logger?: Logger | undefined
}
