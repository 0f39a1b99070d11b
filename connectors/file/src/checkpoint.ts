import { constants } from 'node:fs'
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { ConfigError, formatPosition, type PartitionCheckpoint, parsePosition } from '@pulsar-io/sdk'
import * as z from 'zod'
import { syncFolder } from './durable.ts'
import { errno } from './problems.ts'

/** What is certainly in: up to where in which file, and the positions of the records that are. */
export interface Checkpoint {
  /** Name of the file that was written last. */
  readonly file: string
  readonly length: number
  readonly positions: readonly PartitionCheckpoint[]
}

const stored = z.object({
  count: z.int().min(0),
  file: z.string(),
  length: z.int().min(0),
  positions: z.array(z.object({ topic: z.string(), partition: z.int(), position: z.string() })),
})

const MIN_SLOT = 4096

/**
 * Keeps the checkpoint of a file in a small file beside it, durable before {@link CheckpointFile.save} returns. Two
 * slots are written in turn, each with a checksum: a crash spoils at most the newer one, which nobody relies on yet.
 * Writing in place needs one flush where a temporary file and a rename need two.
 */
export class CheckpointFile {
  readonly #path: string
  #handle: FileHandle | undefined
  #slot = 0
  #count = 0
  /** The slot that may be overwritten: the older one. */
  #older = 1

  constructor(path: string) {
    this.#path = path
  }

  /** The last checkpoint, or undefined where there is none. */
  async load(): Promise<Checkpoint | undefined> {
    let bytes: Buffer
    try {
      bytes = await readFile(this.#path)
    } catch (error) {
      if (errno(error) === 'ENOENT') return undefined
      throw error
    }
    this.#slot = bytes.length / 2
    const newest = [parseSlot(bytes.subarray(0, this.#slot)), parseSlot(bytes.subarray(this.#slot))]
      .flatMap(slot => slot ?? [])
      .sort((a, b) => b.count - a.count)[0]
    if (!newest)
      throw new ConfigError(
        [
          {
            path: 'path',
            message: `${this.#path} is damaged: restore it, or remove it to begin anew without knowing what is in`,
          },
        ],
        { code: 'PIO_FILE_CHECKPOINT' },
      )
    this.#count = newest.count
    return {
      file: newest.file,
      length: newest.length,
      positions: newest.positions.map(entry => ({ ...entry, position: parsePosition(entry.position) })),
    }
  }

  async save(checkpoint: Checkpoint): Promise<void> {
    const count = this.#count + 1
    const positions = checkpoint.positions.map(entry => ({ ...entry, position: formatPosition(entry.position) }))
    const json = JSON.stringify({ count, ...checkpoint, positions })
    const text = Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`)
    if (text.length > this.#slot || !this.#handle) await this.#create(text)
    else {
      await writeSlot(this.#handle, text, this.#slot, this.#older)
      await this.#handle.datasync()
      this.#older = 1 - this.#older
    }
    this.#count = count
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
    await syncFolder(dirname(this.#path))
  }

  /** Begins the file anew with room for this checkpoint and more. */
  async #create(text: Buffer): Promise<void> {
    await this.close()
    const temporary = `${this.#path}.new`
    const slot = Math.max(MIN_SLOT, this.#slot, 2 ** Math.ceil(Math.log2(text.length * 2)))
    const handle = await open(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o644)
    try {
      await writeSlot(handle, text, slot, 0)
      await writeSlot(handle, Buffer.from('\n'), slot, 1)
      await handle.sync()
      await rename(temporary, this.#path)
      await syncFolder(dirname(this.#path))
    } catch (error) {
      await handle.close()
      throw error
    }
    this.#handle = handle
    this.#slot = slot
    this.#older = 1
  }
}

async function writeSlot(handle: FileHandle, text: Buffer, slot: number, index: number): Promise<void> {
  const padded = Buffer.alloc(slot, ' ')
  text.copy(padded)
  const { bytesWritten } = await handle.write(padded, 0, slot, slot * index)
  if (bytesWritten < slot) throw Object.assign(new Error('no space left for the checkpoint'), { code: 'ENOSPC' })
}

function parseSlot(bytes: Buffer): z.output<typeof stored> | undefined {
  const line = bytes.toString('utf8').trimEnd()
  const json = line.slice(9)
  if (json === '' || line.slice(0, 8) !== crc32(json).toString(16).padStart(8, '0')) return undefined
  return stored.parse(JSON.parse(json))
}
