import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { continues, type FileOffset, type Fingerprint, TAIL_BYTES } from './identity.ts'
import { readFully } from './read-fully.ts'

/** What a look at the folder says of a file. */
export interface Seen {
  readonly path: string
  readonly inode: string
  readonly device: string
  readonly size: number
  readonly mtimeNs: bigint
}

/** A piece of a file in memory; `from` is where reading goes on. */
export interface Chunk {
  readonly buffer: Buffer
  /** Place of `buffer[0]` in the file. */
  readonly base: number
  from: number
  /** The file ended behind this piece when it was read. */
  readonly atEnd: boolean
}

const NOTHING: Fingerprint = { length: 0, crc: 0 }

/** One file that is being read: where it stands, and how to tell that it still is the same file. */
export class TrackedFile {
  path: string
  readonly inode: string
  /** Where the next record begins. */
  position = 0
  /** Lines before `position`. */
  line = 0
  head: Fingerprint | undefined
  tail: Fingerprint = NOTHING
  partitionId: string | undefined
  columns: readonly string[] | undefined
  /** The last record ended without a newline. */
  open = false
  /** Passing over a record that is too long, up to its newline. */
  discarding = false
  /** There may be something to read. */
  dirty = true
  /** By the clock of `performance.now`, which nobody sets: when the file left its path or last grew after that; undefined while it is in place. */
  goneSince: number | undefined
  #seen: Seen
  #handle: FileHandle | undefined

  constructor(seen: Seen) {
    this.#seen = seen
    this.path = seen.path
    this.inode = seen.inode
  }

  get isOpen(): boolean {
    return this.#handle !== undefined
  }

  async handle(): Promise<FileHandle> {
    this.#handle ??= await open(this.path, 'r')
    return this.#handle
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  /** Takes note of what the file looks like now. */
  see(seen: Seen): void {
    if (seen.size !== this.#seen.size || seen.mtimeNs !== this.#seen.mtimeNs) this.dirty = true
    this.#seen = seen
    this.path = seen.path
  }

  /** Looks at a file that has left its path, through the handle; true when it has changed. */
  async seeGone(): Promise<boolean> {
    const { size, mtimeNs } = await (await this.handle()).stat({ bigint: true })
    if (Number(size) === this.#seen.size && mtimeNs === this.#seen.mtimeNs) return false
    this.see({ ...this.#seen, size: Number(size), mtimeNs })
    return true
  }

  /** Goes on at a stored offset, if the file still holds what was read up to it. */
  async resume(partitionId: string, offset: FileOffset): Promise<boolean> {
    if (!(await continues(await this.handle(), offset))) return false
    this.position = offset.byte
    this.line = offset.line
    this.head = offset.head
    this.tail = offset.tail
    this.partitionId = partitionId
    this.open = offset.open === true
    return true
  }

  /** The file was replaced in place: nothing that is known of it holds any more. */
  restart(): void {
    this.position = 0
    this.line = 0
    this.head = undefined
    this.tail = NOTHING
    this.partitionId = undefined
    this.columns = undefined
    this.open = false
    this.discarding = false
    this.dirty = true
  }

  /**
   * Fills the buffer from shortly before the place where the next record begins, to see that the file still is the same
   * up to there; undefined when it is not.
   */
  async load(buffer: Buffer): Promise<Chunk | undefined> {
    const before = Math.min(TAIL_BYTES, this.position)
    const base = this.position - before
    const length = await readFully(await this.handle(), buffer, base)
    if (length < before || crc32(buffer.subarray(before - this.tail.length, before)) !== this.tail.crc) return undefined
    return { buffer: buffer.subarray(0, length), base, from: before, atEnd: length < buffer.length }
  }
}
