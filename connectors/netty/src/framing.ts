import { GrowingBuffer } from './growing-buffer.ts'

/** What a client sent cannot be cut into records. */
export class FramingError extends Error {
  readonly reason: 'too long' | 'truncated' | 'malformed'

  constructor(reason: FramingError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/** Cuts a stream of bytes into records, whatever the pieces it arrives in. */
export interface FrameDecoder {
  /** Bytes of an incomplete frame, as far as they came; 0 between frames. */
  readonly buffered: number
  /**
   * Appends the frames that `chunk` completes to `frames`. They may be views of the chunk.
   * Throws a {@link FramingError} for a frame that is too long; the ones before it are in `frames` by then.
   */
  push(chunk: Buffer, frames: Buffer[]): void
  /** The stream is over: appends what is left where that is a frame. Throws a {@link FramingError} where it is not. */
  end(frames: Buffer[]): void
}

const LF = 10
const CR = 13

/** A frame is a line, ended by LF, CRLF or the end of the stream; those are no part of it. */
export class LineDecoder implements FrameDecoder {
  readonly #max: number
  readonly #rest = new GrowingBuffer()

  /** `maxFrameBytes`: length of a line at most, without what ends it. */
  constructor(maxFrameBytes: number) {
    this.#max = maxFrameBytes
  }

  get buffered(): number {
    return this.#rest.length
  }

  push(chunk: Buffer, frames: Buffer[]): void {
    let start = 0
    let end = chunk.indexOf(LF)
    if (end >= 0 && this.#rest.length > 0) {
      this.#hold(chunk.subarray(0, end))
      frames.push(this.#line(this.#rest.take()))
      start = end + 1
      end = chunk.indexOf(LF, start)
    }
    while (end >= 0) {
      const last = end > start && chunk[end - 1] === CR ? end - 1 : end
      if (last - start > this.#max) throw this.#tooLong()
      frames.push(chunk.subarray(start, last))
      start = end + 1
      end = chunk.indexOf(LF, start)
    }
    if (start < chunk.length) this.#hold(start === 0 ? chunk : chunk.subarray(start))
  }

  end(frames: Buffer[]): void {
    if (this.#rest.length > 0) frames.push(this.#line(this.#rest.take()))
  }

  #hold(part: Buffer): void {
    // One byte more than a line may have: it can be the CR of a CRLF.
    if (this.#rest.length + part.length > this.#max + 1) throw this.#tooLong()
    this.#rest.append(part)
  }

  #line(bytes: Buffer): Buffer {
    const line = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes
    if (line.length > this.#max) throw this.#tooLong()
    return line
  }

  #tooLong(): FramingError {
    return new FramingError('too long', `a line is longer than maxFrameBytes, ${this.#max} bytes`)
  }
}

/** A frame is a big-endian unsigned number of 1, 2 or 4 bytes, followed by as many bytes as it says. */
export class LengthDecoder implements FrameDecoder {
  readonly #header: number
  readonly #max: number
  readonly #rest = new GrowingBuffer()

  constructor(lengthBytes: number, maxFrameBytes: number) {
    this.#header = lengthBytes
    this.#max = maxFrameBytes
  }

  get buffered(): number {
    return this.#rest.length
  }

  push(chunk: Buffer, frames: Buffer[]): void {
    let at = 0
    if (this.#rest.length > 0) {
      at = this.#fill(chunk, at, this.#header)
      if (this.#rest.length < this.#header) return
      at = this.#fill(chunk, at, this.#header + this.#lengthAt(this.#rest.view(), 0))
      if (this.#rest.length < this.#header + this.#lengthAt(this.#rest.view(), 0)) return
      frames.push(this.#rest.take().subarray(this.#header))
    }
    while (chunk.length - at >= this.#header) {
      const end = at + this.#header + this.#lengthAt(chunk, at)
      if (end > chunk.length) break
      frames.push(chunk.subarray(at + this.#header, end))
      at = end
    }
    if (at < chunk.length) this.#rest.append(chunk.subarray(at))
  }

  end(): void {
    if (this.#rest.length > 0)
      throw new FramingError('truncated', `the stream ended ${this.#rest.length} bytes into a frame`)
  }

  /** Takes from `chunk` until `wanted` bytes are held; returns where it stopped. */
  #fill(chunk: Buffer, at: number, wanted: number): number {
    const end = Math.min(chunk.length, at + Math.max(0, wanted - this.#rest.length))
    this.#rest.append(chunk.subarray(at, end))
    return end
  }

  #lengthAt(bytes: Buffer, at: number): number {
    const length = bytes.readUIntBE(at, this.#header)
    if (length > this.#max)
      throw new FramingError('too long', `a frame of ${length} bytes is longer than maxFrameBytes, ${this.#max} bytes`)
    return length
  }
}

/** A frame is what one read brought. */
export class RawDecoder implements FrameDecoder {
  readonly buffered = 0

  push(chunk: Buffer, frames: Buffer[]): void {
    frames.push(chunk)
  }

  end(): void {
    // Nothing is ever held back.
  }
}
