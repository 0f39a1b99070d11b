import { readUint32be } from './byte-reader.ts'
import { wireError } from './wire-error.ts'

const SLAB_BYTES = 1024 * 1024
/** Below this, reading on in the same slab is not worth a call into the kernel. */
const LEAST_ROOM = 64 * 1024

/** Called with a frame: it begins at `start`, behind its size, and ends before `end`. */
export type FrameHandler = (buffer: Buffer, start: number, end: number) => void

/**
 * Cuts a byte stream into frames where the bytes already are: the socket reads into slabs, and frames are handed out as
 * parts of them. Only a frame that is cut by the end of a slab is copied. A slab is never written again behind what was
 * handed out, so a message may keep its part of it.
 */
export class FrameReader {
  private slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  /** What is not handed out yet begins here. */
  private start = 0
  /** What was read ends here. */
  private end = 0
  private readonly onFrame: FrameHandler
  /** Frames that are larger are refused: the stream is broken, or it is no Pulsar. */
  maxFrameSize: number

  constructor(onFrame: FrameHandler, maxFrameSize: number) {
    this.onFrame = onFrame
    this.maxFrameSize = maxFrameSize
  }

  /** Where the next bytes are to be read into. */
  room(): Buffer {
    if (this.slab.length - this.end < LEAST_ROOM) this.renew(LEAST_ROOM)
    return this.slab.subarray(this.end)
  }

  /** So many bytes were read into {@link room}. Throws `PIO_PULSAR_PROTOCOL`, and what the handler throws. */
  filled(bytes: number): void {
    this.end += bytes
    this.cut()
  }

  /** The same for bytes that are elsewhere. */
  push(chunk: Uint8Array): void {
    let offset = 0
    while (offset < chunk.length) {
      const room = this.room()
      const part = chunk.subarray(offset, offset + room.length)
      room.set(part)
      offset += part.length
      this.filled(part.length)
    }
  }

  private cut(): void {
    while (this.end - this.start >= 4) {
      const size = readUint32be(this.slab, this.start)
      if (size > this.maxFrameSize) throw wireError(`a frame of ${size} bytes; the limit is ${this.maxFrameSize}`)
      const next = this.start + 4 + size
      if (next > this.end) {
        if (next > this.slab.length) this.renew(next - this.end)
        return
      }
      const from = this.start + 4
      this.start = next
      this.onFrame(this.slab, from, next)
    }
  }

  /** Goes on in a new slab with so much room, and what is not handed out yet. */
  private renew(room: number): void {
    const rest = this.end - this.start
    // A large frame that has begun comes as a whole into one slab; then there is room for more of its kind.
    const slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, rest + room * 2))
    this.slab.copy(slab, 0, this.start, this.end)
    this.slab = slab
    this.start = 0
    this.end = rest
  }
}
