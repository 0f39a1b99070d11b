import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import type { Emit, SourceContext, SourceRecord } from '@pulsar-io/sdk'
import { Budget } from './budget.ts'
import { bindError, type Listener, listenError, sharesPort } from './listen.ts'
import type { Config } from './options.ts'
import { Tally } from './tally.ts'
import { type ToValue, toValue } from './values.ts'
import { messageOf, settlesWithin } from './wait.ts'

/** Memory that a datagram takes besides its bytes, roughly. */
const OVERHEAD = 256

/** Takes each datagram as a record. A bounded queue stands between the socket and the topic; what does not fit is dropped and counted. */
export class UdpListener implements Listener {
  readonly #config: Config
  readonly #context: SourceContext
  readonly #emit: Emit
  readonly #tally: Tally
  readonly #toValue: ToValue
  readonly #budget: Budget
  #socket: Socket | undefined
  #queue: SourceRecord[] = []
  #queuedBytes = 0
  #draining: Promise<void> | undefined
  #broken = false

  constructor(config: Config, context: SourceContext, emit: Emit) {
    this.#config = config
    this.#context = context
    this.#emit = emit
    this.#tally = new Tally(context.logger, context.metrics)
    this.#toValue = toValue(config.schemaType)
    this.#budget = new Budget(config.maxBufferedBytes)
  }

  async listen(): Promise<number> {
    const { host, port } = this.#config
    try {
      const { address, family } = await lookup(host)
      const socket = createSocket({
        type: family === 6 ? 'udp6' : 'udp4',
        ...(sharesPort(this.#context) ? { reusePort: true } : {}),
      })
      this.#socket = socket
      socket.on('message', (bytes, from) => this.#receive(bytes, from))
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.bind({ address, port, exclusive: true }, () => resolve())
      })
      socket.removeAllListeners('error')
      socket.on('error', error => this.#context.fatal(listenError(error, this.#config)))
      this.#sizeBuffer(socket)
      return socket.address().port
    } catch (error) {
      throw bindError(error as NodeJS.ErrnoException, this.#config)
    }
  }

  async close(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket) await new Promise<void>(resolve => socket.close(() => resolve()))
    if (this.#draining && !(await settlesWithin(this.#draining, this.#config.closeTimeout))) {
      this.#broken = true
      this.#drop(this.#queue.length, 'the connector stopped before there was room in the topic')
    }
    this.#tally.close()
  }

  #receive(bytes: Buffer, from: RemoteInfo): void {
    const size = bytes.length + OVERHEAD
    const full = this.#full(size)
    if (full !== undefined) {
      this.#drop(1, full)
      return
    }
    const { remoteAddressProperty } = this.#config
    try {
      this.#queue.push({
        value: this.#toValue(bytes),
        ...(remoteAddressProperty ? { properties: { [remoteAddressProperty]: from.address } } : {}),
        fail: this.#fail,
      })
    } catch (error) {
      this.#budget.give(size)
      this.#tally.add('netty_refused_records', 'record dropped', `${messageOf(error)} (from ${from.address})`)
      return
    }
    this.#queuedBytes += size
    this.#draining ??= this.#drain()
  }

  /** Takes room for a datagram, or says why there is none. */
  #full(size: number): string | undefined {
    const { maxQueuedDatagrams, maxBufferedBytes } = this.#config
    if (this.#broken) return 'the connector is stopping'
    if (this.#queue.length >= maxQueuedDatagrams)
      return `maxQueuedDatagrams, ${maxQueuedDatagrams}, are waiting for the topic`
    return this.#budget.take(size) ? undefined : `maxBufferedBytes, ${maxBufferedBytes}, are waiting for the topic`
  }

  /** Hands over what is queued, as one array each time there is room. */
  async #drain(): Promise<void> {
    while (this.#queue.length > 0 && !this.#broken) {
      const records = this.#queue
      const bytes = this.#queuedBytes
      this.#queue = []
      this.#queuedBytes = 0
      try {
        await this.#emit(records)
      } catch (error) {
        this.#broken = true
        this.#drop(records.length + this.#queue.length, messageOf(error))
      } finally {
        this.#budget.give(bytes)
      }
    }
    this.#draining = undefined
  }

  readonly #fail = (error: Error): void => {
    this.#tally.add('netty_failed_records', 'record not published', error.message)
  }

  #drop(count: number, reason: string): void {
    if (count > 0) this.#tally.add('netty_dropped_datagrams', 'datagram dropped', reason, count)
  }

  /** The system may grant less than asked for, and says so nowhere else. */
  #sizeBuffer(socket: Socket): void {
    const wanted = this.#config.receiveBufferBytes
    if (wanted === 0) return
    socket.setRecvBufferSize(wanted)
    const granted = socket.getRecvBufferSize()
    if (granted < wanted)
      this.#context.logger.warn(
        `receiveBufferBytes: the system grants ${granted} of ${wanted} bytes; raise its limit (sysctl net.core.rmem_max on Linux)`,
      )
  }
}
