const KEPT = 16
const LEAST_BYTES = 32 * 1024
const STEP_BYTES = 64 * 1024

/** Buffers of batches that were confirmed, for the next ones: fresh memory costs as much as filling it. */
export class BufferPool {
  private readonly free: Buffer[] = []

  /** A buffer of at least so many bytes. */
  take(bytes: number): Buffer {
    if (bytes < LEAST_BYTES) return Buffer.allocUnsafe(bytes)
    for (let i = this.free.length - 1; i >= 0; i -= 1) {
      const buffer = this.free[i] as Buffer
      if (buffer.length < bytes || buffer.length > bytes * 2) continue
      this.free.splice(i, 1)
      return buffer
    }
    return Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES)
  }

  /** Nobody looks at the buffer any more. */
  give(buffer: Buffer): void {
    if (buffer.length < LEAST_BYTES || buffer.buffer.byteLength !== buffer.length) return
    if (this.free.length >= KEPT) this.free.shift()
    this.free.push(buffer)
  }
}
