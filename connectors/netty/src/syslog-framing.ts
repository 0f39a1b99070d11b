import { type FrameDecoder, FramingError } from './framing.ts'
import { GrowingBuffer } from './growing-buffer.ts'

const LF = 10
const CR = 13
const NUL = 0
const SPACE = 32
const ZERO = 48
const NINE = 57

/**
 * Cuts a stream of syslog messages by both methods of RFC 6587, sections 3.4.1 and 3.4.2: where a message begins with a
 * digit, a number and a space say how many bytes it has; any other one ends with LF, CRLF or the end of the stream. A
 * message proper begins with `<`, so the two cannot be confused, and a connection may mix them. What some senders put
 * between messages (LF, CRLF, NUL) is passed over.
 */
export class SyslogDecoder implements FrameDecoder {
  readonly #max: number
  readonly #rest = new GrowingBuffer()
  #at: 'start' | 'count' | 'message' | 'line' = 'start'
  #count = 0
  /** Bytes of the number that were read. */
  #digits = 0

  /** `maxFrameBytes`: length of a message at most, without what frames it. */
  constructor(maxFrameBytes: number) {
    this.#max = maxFrameBytes
  }

  get buffered(): number {
    return this.#rest.length + this.#digits
  }

  push(chunk: Buffer, frames: Buffer[]): void {
    let at = 0
    while (at < chunk.length) {
      switch (this.#at) {
        case 'start':
          at = this.#start(chunk, at)
          break
        case 'count':
          at = this.#readCount(chunk, at)
          break
        case 'message':
          at = this.#readMessage(chunk, at, frames)
          break
        case 'line':
          at = this.#readLine(chunk, at, frames)
      }
    }
  }

  end(frames: Buffer[]): void {
    if (this.#at === 'line') frames.push(this.#line(this.#rest.take()))
    else if (this.#at !== 'start')
      throw new FramingError(
        'truncated',
        `the stream ended ${this.#rest.length} bytes into a message of ${this.#count}`,
      )
    this.#at = 'start'
  }

  #start(chunk: Buffer, at: number): number {
    const byte = chunk[at] ?? NUL
    if (byte === LF || byte === CR || byte === NUL) return at + 1
    this.#at = byte > ZERO && byte <= NINE ? 'count' : 'line'
    this.#count = 0
    this.#digits = 0
    return at
  }

  #readCount(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at] ?? NUL
      if (byte === SPACE) {
        this.#at = 'message'
        return at + 1
      }
      if (byte < ZERO || byte > NINE)
        throw new FramingError(
          'malformed',
          'a message begins with a digit, but not with its length and a space; is it syslog (RFC 6587)?',
        )
      this.#digits++
      this.#count = this.#count * 10 + byte - ZERO
      // Also what keeps the number short.
      if (this.#count > this.#max)
        throw new FramingError(
          'too long',
          `a message of ${this.#count} bytes or more is longer than maxFrameBytes, ${this.#max} bytes`,
        )
    }
    return chunk.length
  }

  #readMessage(chunk: Buffer, at: number, frames: Buffer[]): number {
    const end = Math.min(chunk.length, at + this.#count - this.#rest.length)
    const part = chunk.subarray(at, end)
    const whole = this.#rest.length + part.length === this.#count
    if (whole && part.length === this.#count) frames.push(part)
    else {
      this.#rest.append(part)
      if (whole) frames.push(this.#rest.take())
    }
    if (whole) {
      this.#at = 'start'
      this.#digits = 0
    }
    return end
  }

  #readLine(chunk: Buffer, at: number, frames: Buffer[]): number {
    const end = chunk.indexOf(LF, at)
    const part = chunk.subarray(at, end < 0 ? chunk.length : end)
    // One byte more than a line may have: it can be the CR of a CRLF.
    if (this.#rest.length + part.length > this.#max + 1) throw this.#tooLong()
    if (end >= 0 && this.#rest.length === 0) frames.push(this.#line(part))
    else {
      this.#rest.append(part)
      if (end >= 0) frames.push(this.#line(this.#rest.take()))
    }
    if (end < 0) return chunk.length
    this.#at = 'start'
    return end + 1
  }

  #line(bytes: Buffer): Buffer {
    const line = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes
    if (line.length > this.#max) throw this.#tooLong()
    return line
  }

  #tooLong(): FramingError {
    return new FramingError('too long', `a message is longer than maxFrameBytes, ${this.#max} bytes`)
  }
}
