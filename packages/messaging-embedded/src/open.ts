import { resolve } from 'node:path'
import type { MessagingClient, Retention } from '@pulsar-io/messaging'
import type { Logger } from '@pulsar-io/sdk'
import { EmbeddedClient } from './client.ts'
import { Shared } from './shared.ts'

/** How an embedded log is opened. */
export interface EmbeddedOptions {
  /** Where the log lives; made when it is not there. */
  readonly directory: string
  /**
   * How long messages stay when every subscription has acknowledged them; a topic's own retention goes first. Default:
   * they go at once. Messages of a topic that has no subscription stay, unless a retention other than 0 and 0 is set.
   */
  readonly retention?: Retention
  /** Hears of failures in the background. */
  readonly logger?: Logger
  /** Bytes of address space to begin with. Default: small, growing by itself. */
  readonly mapSize?: number
}

const opened = new Map<string, { readonly shared: Promise<Shared>; users: number }>()

/**
 * Opens the durable log in a directory. Any number of processes and worker threads may have it open at the same time;
 * several opens in one thread share one environment (the first one's options count) and each has to be closed.
 *
 * Rejects with `PIO_EMBEDDED_DIRECTORY` (cannot be used, and why) or `PIO_EMBEDDED_FORMAT` (made by something else).
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<MessagingClient> {
  const directory = resolve(options.directory)
  for (;;) {
    const closing = closings.get(directory)
    if (closing === undefined) break
    await closing
  }
  let known = opened.get(directory)
  if (known === undefined) {
    known = { shared: open(directory, options), users: 0 }
    opened.set(directory, known)
  }
  known.users += 1
  const own = known
  let shared: Shared
  try {
    shared = await own.shared
  } catch (error) {
    // The next open tries again.
    if (opened.get(directory) === own) opened.delete(directory)
    throw error
  }
  return new EmbeddedClient(shared, async () => {
    own.users -= 1
    if (own.users > 0) return
    opened.delete(directory)
    const closing = shared.close().finally(() => closings.delete(directory))
    closings.set(directory, closing)
    await closing
  })
}

const closings = new Map<string, Promise<void>>()

function open(directory: string, options: EmbeddedOptions): Promise<Shared> {
  const { retention, logger, mapSize } = options
  return Shared.open({ directory, retention, logger, mapSize })
}
