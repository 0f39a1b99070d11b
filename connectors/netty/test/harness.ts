import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Emit, SourceRecord } from '@pulsar-io/sdk'
import { createSourceContext } from '@pulsar-io/testkit'
import { afterEach, vi } from 'vitest'
import { type Config, options } from '../src/options.ts'
import { NettySource } from '../src/source.ts'

const opened: NettySource[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(opened.splice(0).map(source => source.close()))
})

/** A source that listens on a free port, and what it emitted. */
export interface Running {
  readonly source: NettySource
  readonly context: ReturnType<typeof createSourceContext>
  readonly port: number
  readonly records: SourceRecord[]
  readonly batches: (readonly SourceRecord[])[]
  /** The values as texts. */
  texts(): string[]
  metric(name: string): number
}

/** Acknowledges at once; the default of {@link start}. */
export const publishAtOnce = async (records: readonly SourceRecord[]): Promise<void> => {
  for (const record of records) await record.ack?.()
}

export async function start(
  config: { readonly [option: string]: unknown } = {},
  publish: (records: readonly SourceRecord[]) => Promise<void> = publishAtOnce,
  overrides: Parameters<typeof createSourceContext>[0] = {},
): Promise<Running> {
  const context = createSourceContext(overrides)
  const records: SourceRecord[] = []
  const batches: (readonly SourceRecord[])[] = []
  const emit: Emit = async given => {
    const batch = Array.isArray(given) ? (given as readonly SourceRecord[]) : [given as SourceRecord]
    batches.push(batch)
    records.push(...batch)
    await publish(batch)
  }
  const source = new NettySource()
  opened.push(source)
  await source.open(parse({ port: 0, ...config }), context, emit)
  const listening = context.logger.entries.find(entry => entry.message.startsWith('listening'))
  return {
    source,
    context,
    port: Number(listening?.fields.port),
    records,
    batches,
    texts: () => records.map(record => String(record.value)),
    metric: name => context.recorded.filter(entry => entry.name === name).reduce((sum, entry) => sum + entry.value, 0),
  }
}

export function parse(config: unknown): Config {
  return options.parse(config)
}

/** A connected client that does not close its side by itself. */
export async function client(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

/** How the other side ended the connection. */
export async function ending(socket: Socket): Promise<'end' | 'reset'> {
  socket.resume()
  return new Promise(resolve => {
    socket.once('end', () => resolve('end'))
    socket.once('error', () => resolve('reset'))
    socket.once('close', () => resolve('reset'))
  })
}

/** Waits until `check` passes. */
export function until(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 10_000, interval: 5 })
}
