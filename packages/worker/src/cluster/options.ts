import type { MessagingClient } from '@pulsar-io/messaging'
import type { LogFields } from '@pulsar-io/sdk'
import type { WorkerInfo } from '../coordination.ts'

/** How a worker joins others. */
export interface ClusterOptions {
  /** Where all of them meet. Stays the caller's to close. */
  readonly client: MessagingClient
  readonly info: WorkerInfo
  /** Milliseconds that a worker may be out of touch before others get its instances. Default 10000. */
  readonly leaseMs?: number
  /** Milliseconds that others wait beyond a lease. Default a tenth of it. */
  readonly marginMs?: number
  /** Milliseconds between looks at what others wrote. Default 250, less with a short lease. */
  readonly pollMs?: number
  /** Name of the store that holds members and assignments. */
  readonly store?: string
  /** Topic of the subscription that says who is next to lead. */
  readonly topic?: string
  readonly log?: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: LogFields) => void
  /** Called with each renewal of the lease: milliseconds for which instances may write from now on. */
  readonly onLease?: (ms: number) => void
  /** Ends the joining. */
  readonly signal?: AbortSignal
}

/** The options with what they leave out. */
export interface ClusterSettings {
  readonly leaseMs: number
  readonly marginMs: number
  readonly pollMs: number
  /** Milliseconds between heartbeats. */
  readonly beatMs: number
  /** Milliseconds before the end of a lease in which everything is stopped. */
  readonly reserveMs: number
  /** Milliseconds that the first in line gets to lead before the others try. */
  readonly patienceMs: number
  readonly store: string
  readonly topic: string
}

export function settingsOf(options: ClusterOptions): ClusterSettings {
  const { leaseMs = 10_000 } = options
  return {
    leaseMs,
    marginMs: options.marginMs ?? leaseMs / 10,
    pollMs: options.pollMs ?? Math.min(250, leaseMs / 20),
    beatMs: leaseMs / 5,
    reserveMs: leaseMs * 0.4,
    patienceMs: leaseMs / 10,
    store: options.store ?? 'public/functions/pulsar-io-cluster',
    topic: options.topic ?? 'persistent://public/functions/coordinate',
  }
}
