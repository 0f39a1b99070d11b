import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Emit, SourceRecord } from '@pulsar-io/sdk'
import { createSourceContext } from '@pulsar-io/testkit'
import { afterEach, vi } from 'vitest'
import { type Config, options } from '../src/options.ts'
import { NettySource } from '../src/source.ts'
import { TcpListener } from '../src/tcp.ts'

const opened: { close(): Promise<void> }[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(opened.splice(0).map(source => source.close()))
})

/** Something that listens on a free port, and what it emitted. */
export interface Emitting {
  readonly context: ReturnType<typeof createSourceContext>
  readonly port: number
  readonly records: SourceRecord[]
  readonly batches: (readonly SourceRecord[])[]
  /** The values as texts. */
  texts(): string[]
  metric(name: string): number
}

/** The whole source. */
export interface Running extends Emitting {
  readonly source: NettySource
}

/** The part of it that listens on tcp, which tells what it holds. */
export interface RunningTcp extends Emitting {
  readonly listener: TcpListener
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
  const { emit, ...emitted } = recording(publish, overrides)
  const source = new NettySource()
  opened.push(source)
  await source.open(parse({ port: 0, ...config }), emitted.context, emit)
  const listening = emitted.context.logger.entries.find(entry => entry.message.startsWith('listening'))
  return { ...emitted, source, port: Number(listening?.fields.port) }
}

export async function startTcp(
  config: { readonly [option: string]: unknown } = {},
  publish: (records: readonly SourceRecord[]) => Promise<void> = publishAtOnce,
): Promise<RunningTcp> {
  const { emit, ...emitted } = recording(publish, {})
  const listener = new TcpListener(parse({ port: 0, ...config }), emitted.context, emit)
  opened.push(listener)
  return { ...emitted, listener, port: await listener.listen() }
}

function recording(
  publish: (records: readonly SourceRecord[]) => Promise<void>,
  overrides: Parameters<typeof createSourceContext>[0],
): Omit<Emitting, 'port'> & { readonly emit: Emit } {
  const context = createSourceContext(overrides)
  const records: SourceRecord[] = []
  const batches: (readonly SourceRecord[])[] = []
  const emit: Emit = async given => {
    const batch = Array.isArray(given) ? (given as readonly SourceRecord[]) : [given as SourceRecord]
    batches.push(batch)
    for (const record of batch) records.push(record)
    await publish(batch)
  }
  return {
    emit,
    context,
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
