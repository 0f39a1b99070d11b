import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from './durable.ts'
import { errno } from './problems.ts'
import { readFully } from './read-fully.ts'

const NEWLINE = 10
const BLOCK = 64 * 1024

/** A file that only grows by whole batches. `length` counts what is good; anything behind it is a leftover. */
export class OutputFile {
  readonly path: string
  /** By the clock of `performance.now`, which nobody sets: when the first record came in; negative for an older file. */
  since: number
  length: number
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle, length: number, since: number) {
    this.path = path
    this.#handle = handle
    this.length = length
    this.since = since
  }

  static async open(path: string): Promise<OutputFile> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644)
    try {
      const { size, birthtimeMs } = await handle.stat()
      if (size === 0) await syncFolder(dirname(path))
      const age = birthtimeMs > 0 ? Math.max(0, Date.now() - birthtimeMs) : 0
      return new OutputFile(path, handle, size, performance.now() - age)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Writes behind the end. On an error call {@link OutputFile.cut} before the next write. */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.length === 0) this.since = performance.now()
    let done = 0
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.length + done)
      done += bytesWritten
    }
    this.length += done
  }

  async sync(): Promise<void> {
    await this.#handle.datasync()
  }

  /** Takes away what stands behind `length`. */
  async cut(length: number): Promise<void> {
    this.length = length
    await this.#handle.truncate(length)
  }

  /** `moved`: the path leads to another file, ours is kept under another name; `deleted`: ours is lost. */
  async place(): Promise<'here' | 'moved' | 'deleted'> {
    const ours = await this.#handle.stat({ bigint: true })
    if (ours.nlink === 0n) return 'deleted'
    try {
      const there = await stat(this.path, { bigint: true })
      return there.ino === ours.ino && there.dev === ours.dev ? 'here' : 'moved'
    } catch (error) {
      if (errno(error) === 'ENOENT') return 'moved'
      throw error
    }
  }

  /** What stands behind the last newline; empty for a file that ends with one. */
  async tornTail(): Promise<Buffer> {
    let tail = Buffer.alloc(0)
    for (let end = this.length; end > 0; ) {
      const start = Math.max(0, end - BLOCK)
      const block = Buffer.alloc(end - start)
      await readFully(this.#handle, block, start)
      const newline = block.lastIndexOf(NEWLINE)
      tail = Buffer.concat([block.subarray(newline + 1), tail])
      if (newline >= 0) break
      end = start
    }
    return tail
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
