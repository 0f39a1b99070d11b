import type { Socket } from 'node:net'
import type { Emit, SourceRecord } from '@pulsar-io/sdk'
import type { Budget } from './budget.ts'
import { type FrameDecoder, FramingError } from './framing.ts'
import type { Intake, Reader } from './intake.ts'
import type { Tally } from './tally.ts'
import type { ToValue } from './values.ts'
import { messageOf } from './wait.ts'

/** What all connections of a server have in common. */
export interface ConnectionServices {
  readonly emit: Emit
  readonly toValue: ToValue
  readonly tally: Tally
  /** Bounds the incomplete frames. */
  readonly budget: Budget
  /** Bounds what waits for the topic. */
  readonly intake: Intake
  readonly idleTimeoutMs: number
  /** Name of the property for the client's address; empty for none. */
  readonly remoteAddressProperty: string
  /** JSON has no empty value, so empty lines only separate records. */
  readonly skipEmpty: boolean
}

/** Memory that a record takes besides its bytes, roughly: a flood of empty lines is not free either. */
const RECORD_OVERHEAD = 128

/**
 * One client. Reads no further while the runtime has no room. When the client closes its sending side, it is answered
 * with an orderly end once everything it sent is published, and with a reset where something was not.
 */
export class TcpConnection implements Reader {
  readonly remote: string
  readonly #socket: Socket
  readonly #decoder: FrameDecoder
  readonly #services: ConnectionServices
  readonly #properties: SourceRecord['properties']
  /** Bytes of the incomplete frame that the budget knows of. */
  #held = 0
  /** When the incomplete frame began, in milliseconds; undefined where there is none. */
  #frameSince: number | undefined
  /** What was read while there was no room for it. */
  #pending: Buffer | undefined
  /** Bytes that the intake knows of. */
  #taken = 0
  #unsettled = 0
  #emitting = false
  #finished = false
  #stopping = false
  #quiet: (() => void) | undefined

  constructor(socket: Socket, decoder: FrameDecoder, services: ConnectionServices, onClose: () => void) {
    this.#socket = socket
    this.#decoder = decoder
    this.#services = services
    this.remote = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
    const property = services.remoteAddressProperty
    this.#properties = property ? { [property]: socket.remoteAddress ?? '' } : undefined
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.#end())
    socket.on('error', error => this.#refuse('connection lost', error.message))
    socket.on('close', () => {
      services.intake.leave(this)
      services.budget.give(this.#held)
      this.#held = 0
      this.#pending = undefined
      this.#settleQuiet()
      onClose()
    })
    if (services.idleTimeoutMs > 0) socket.setTimeout(services.idleTimeoutMs, () => this.#idle())
  }

  /** Bytes that were read and are nowhere counted yet. */
  get unread(): number {
    return this.#socket.readableLength + (this.#pending?.length ?? 0)
  }

  /** Goes on with what was read while there was no room. */
  read(): void {
    const chunk = this.#pending
    if (chunk === undefined || this.#stopping) return
    this.#pending = undefined
    this.#read(chunk)
    if (!this.#emitting) this.#socket.resume()
  }

  /** Resets the connection where its incomplete frame began before `time`. */
  expire(time: number): void {
    // While nothing is read the client cannot be blamed.
    if (this.#frameSince === undefined || this.#frameSince > time || this.#emitting || this.#pending) return
    this.#refuse(
      'connection reset, record too slow',
      `frameTimeout passed, and of a record only ${this.#decoder.buffered} bytes came`,
    )
  }

  /** Takes nothing more; resolves when what was taken is published or the connection is gone. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#socket.pause()
    if (this.#busy() && !this.#socket.destroyed) {
      await new Promise<void>(resolve => {
        this.#quiet = resolve
      })
    }
  }

  /** Ends what {@link stop} left: orderly where the client was done and everything is published, else by a reset. */
  cutOff(): void {
    if (this.#finished && !this.#busy()) this.#socket.destroySoon()
    else this.#reset()
  }

  /** Ends the connection in a way that the client cannot take for an orderly end. */
  #reset(): void {
    if (this.#socket.destroyed) return
    // A TLS socket cannot be reset; it ends without the goodbye that TLS asks for.
    if ('encrypted' in this.#socket) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  #receive(chunk: Buffer): void {
    if (this.#services.intake.admits(this)) {
      this.#read(chunk)
      return
    }
    this.#pending = chunk
    this.#socket.pause()
  }

  #read(chunk: Buffer): void {
    const frames: Buffer[] = []
    let problem: FramingError | undefined
    try {
      this.#decoder.push(chunk, frames)
    } catch (error) {
      if (!(error instanceof FramingError)) throw error
      problem = error
    }
    if (!this.#hold(this.#decoder.buffered))
      problem ??= new FramingError('too long', 'the incomplete records of all clients exceed maxBufferedBytes')
    if (this.#decoder.buffered === 0) this.#frameSince = undefined
    else if (frames.length > 0 || this.#frameSince === undefined) this.#frameSince = performance.now()
    this.#publish(frames, chunk.length)
    if (problem) this.#refuse(`connection reset, record ${problem.reason}`, problem.message)
  }

  #end(): void {
    const frames: Buffer[] = []
    try {
      this.#decoder.end(frames)
    } catch (error) {
      if (!(error instanceof FramingError)) throw error
      this.#refuse(`connection reset, record ${error.reason}`, error.message)
      return
    }
    const rest = this.#held
    this.#hold(0)
    this.#frameSince = undefined
    this.#finished = true
    this.#publish(frames, rest)
    this.#settled()
  }

  #hold(bytes: number): boolean {
    const more = bytes - this.#held
    if (more > 0 && !this.#services.budget.take(more)) return false
    if (more < 0) this.#services.budget.give(-more)
    this.#held = bytes
    return true
  }

  #publish(frames: readonly Buffer[], bytes: number): void {
    const records = this.#records(frames)
    if (records.length === 0) return
    this.#unsettled += records.length
    this.#emitting = true
    this.#taken = bytes + records.length * RECORD_OVERHEAD
    this.#services.intake.take(this.#taken)
    // Nothing is read until there is room for more: this is what slows a client down.
    this.#socket.pause()
    this.#services.emit(records).then(this.#resume, this.#stopped)
  }

  #records(frames: readonly Buffer[]): SourceRecord[] {
    const { toValue, skipEmpty, tally } = this.#services
    const records: SourceRecord[] = []
    for (const frame of frames) {
      if (skipEmpty && frame.length === 0) continue
      try {
        records.push({ value: toValue(frame), properties: this.#properties, ack: this.#ack, fail: this.#fail })
      } catch (error) {
        tally.add('netty_refused_records', 'record dropped', `${messageOf(error)} (from ${this.remote})`)
      }
    }
    return records
  }

  // The functions below are shared by all records of the connection, so that none needs a function of its own.

  readonly #resume = (): void => {
    this.#handedOver()
    // The time in which nothing was read is not the client's.
    if (this.#frameSince !== undefined) this.#frameSince = performance.now()
    if (!this.#stopping) this.#socket.resume()
    this.#settled()
  }

  readonly #stopped = (error: unknown): void => {
    this.#handedOver()
    this.#refuse('connection reset, the connector is stopping', messageOf(error))
  }

  #handedOver(): void {
    this.#emitting = false
    const bytes = this.#taken
    this.#taken = 0
    this.#services.intake.give(bytes)
  }

  readonly #ack = (): void => {
    this.#unsettled--
    this.#settled()
  }

  readonly #fail = (error: Error): void => {
    this.#unsettled--
    this.#services.tally.add('netty_failed_records', 'record not published', `${error.message} (from ${this.remote})`)
    this.#refuse('connection reset, a record was not published', error.message)
  }

  #settled(): void {
    if (this.#busy()) return
    if (this.#finished) this.#socket.end()
    this.#settleQuiet()
  }

  #busy(): boolean {
    return this.#emitting || this.#unsettled > 0
  }

  #settleQuiet(): void {
    this.#quiet?.()
    this.#quiet = undefined
  }

  #idle(): void {
    // The silence is ours while records wait for the topic.
    if (this.#busy()) this.#socket.setTimeout(this.#services.idleTimeoutMs)
    else this.#refuse('connection reset, idle', `nothing came for ${this.#services.idleTimeoutMs} ms`)
  }

  #refuse(what: string, detail: string): void {
    if (this.#socket.destroyed && what !== 'connection lost') return
    this.#services.tally.add('netty_failed_connections', what, `${detail} (from ${this.remote})`)
    this.#reset()
  }
}
