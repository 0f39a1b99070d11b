import { ConfigError, type Logger, type Metrics, type SourceRecord } from '@pulsar-io/sdk'
import { BLANK, createFormat, type Format, Malformed } from './formats.ts'
import { readHeader } from './header.ts'
import { type FileOffset, type Fingerprint, fingerprintOf, HEAD_BYTES, TAIL_BYTES } from './identity.ts'
import type { SourceConfig } from './options.ts'
import { shorten } from './problems.ts'
import { readFully } from './read-fully.ts'
import { bomLength, contentEnd, countNewlines } from './splitter.ts'
import type { Chunk, TrackedFile } from './tracked-file.ts'

const CHUNK_BYTES = 256 * 1024
const BATCH_RECORDS = 1000
const BATCH_BYTES = 1024 * 1024
/** So many skipped records are logged one by one, the others by the thousand. */
const LOGGED_SKIPS = 20

export interface ReaderOptions {
  readonly config: SourceConfig
  readonly logger: Logger
  readonly metrics: Metrics
  partitionId(inode: string, head: Fingerprint): string
}

/** Records that were cut out of a chunk but not yet decoded: where each begins, has its text, and is followed. */
interface Cut {
  readonly begins: number[]
  readonly starts: number[]
  readonly ends: number[]
  readonly nexts: number[]
}

/** Takes batches of records out of files; one file at a time is in memory, one chunk of it. */
export class RecordReader {
  readonly #options: ReaderOptions
  readonly #format: Format
  #buffer: Buffer = Buffer.allocUnsafe(0)
  #chunk: Chunk | undefined
  #owner: TrackedFile | undefined
  #failure: Error | undefined
  #skipped = 0

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#format = createFormat(options.config)
  }

  /**
   * The next records of a file. Clears `dirty` when there is nothing more for now. `final`: what stands behind the last
   * newline is a record, too.
   */
  async take(file: TrackedFile, final: boolean): Promise<SourceRecord[]> {
    if (this.#failure) throw this.#failure
    const batch: SourceRecord[] = []
    let bytes = 0
    let size = CHUNK_BYTES
    while (batch.length < BATCH_RECORDS && bytes < BATCH_BYTES && !this.#failure) {
      if (this.#owner !== file || !this.#chunk) {
        if (!(await this.#load(file, size, final))) break
        continue
      }
      const chunk = this.#chunk
      let cut = this.#cut(file, chunk, BATCH_RECORDS - batch.length, BATCH_BYTES - bytes)
      if (cut.begins.length === 0) {
        this.#chunk = undefined
        const rest = chunk.buffer.length - chunk.from
        if (chunk.atEnd) {
          file.dirty = false
          if (rest === 0 || !final) break
          cut = this.#cutRest(file, chunk)
        } else if (rest > this.#options.config.maxRecordSize) {
          this.#passOver(file, chunk)
          continue
        } else {
          size = Math.max(CHUNK_BYTES, rest * 2)
          continue
        }
      }
      const before = file.position
      await this.#decode(file, chunk, cut, batch)
      bytes += file.position - before
    }
    if (batch.length === 0 && this.#failure) throw this.#failure
    return batch
  }

  /** False when the file has nothing to offer for now. */
  async #load(file: TrackedFile, size: number, final: boolean): Promise<boolean> {
    const { config, logger } = this.#options
    if (config.format === 'csv' && !file.columns) {
      const header = await readHeader(await file.handle(), config, final)
      if (header instanceof Malformed) {
        this.#failure = this.#malformed(file, 1, header.reason, '')
        return false
      }
      if (!header) {
        file.dirty = false
        return false
      }
      file.columns = header.columns
      if (file.position < header.end) {
        file.position = header.end
        file.line = header.lines
        file.tail = header.tail
      }
    }
    const wanted = size + TAIL_BYTES
    if (this.#buffer.length < wanted) this.#buffer = Buffer.allocUnsafe(wanted)
    this.#chunk = await file.load(this.#buffer.length > wanted * 4 ? this.#buffer.subarray(0, wanted) : this.#buffer)
    this.#owner = file
    if (!this.#chunk) {
      logger.warn(`${file.path} was truncated or replaced in place; reading it from its start`, {
        path: file.path,
        byte: file.position,
      })
      file.restart()
      return true
    }
    if (file.open) closeOpenLine(file, this.#chunk, this.#options.logger)
    return true
  }

  #cut(file: TrackedFile, chunk: Chunk, maxRecords: number, maxBytes: number): Cut {
    const { buffer } = chunk
    const cut: Cut = { begins: [], starts: [], ends: [], nexts: [] }
    const limit = chunk.from + maxBytes
    while (cut.begins.length < maxRecords && chunk.from < limit) {
      if (file.discarding && !discardLine(file, chunk)) break
      const begin = chunk.from
      const next = this.#format.split(buffer, begin, buffer.length)
      if (next < 0) break
      this.#add(cut, chunk, begin, next)
    }
    return cut
  }

  #cutRest(file: TrackedFile, chunk: Chunk): Cut {
    const cut: Cut = { begins: [], starts: [], ends: [], nexts: [] }
    file.open = true
    if (!file.discarding) this.#add(cut, chunk, chunk.from, chunk.buffer.length)
    return cut
  }

  #add(cut: Cut, chunk: Chunk, begin: number, next: number): void {
    const { buffer } = chunk
    const bom = chunk.base + begin === 0 ? bomLength(buffer, begin, this.#options.config.encoding) : 0
    cut.begins.push(begin)
    cut.starts.push(Math.min(begin + bom, next))
    cut.ends.push(contentEnd(buffer, begin + bom, next))
    cut.nexts.push(next)
    chunk.from = next
  }

  async #decode(file: TrackedFile, chunk: Chunk, cut: Cut, batch: SourceRecord[]): Promise<void> {
    const { buffer, base } = chunk
    const { keyField, maxRecordSize, format } = this.#options.config
    const multiline = format === 'csv'
    const values = this.#format.decode(buffer, cut, file.columns)
    for (let i = 0; i < values.length; i++) {
      const begin = cut.begins[i] ?? 0
      const next = cut.nexts[i] ?? 0
      const line = file.line + (multiline ? Math.max(1, countNewlines(buffer, begin, next)) : 1)
      const tail = fingerprintOf(buffer, Math.max(begin, next - TAIL_BYTES), next)
      const tooLong = (cut.ends[i] ?? 0) - (cut.starts[i] ?? 0) > maxRecordSize
      const value = tooLong ? new Malformed(`longer than maxRecordSize (${maxRecordSize} bytes)`) : values[i]
      if (value instanceof Malformed) {
        const text = buffer.toString('utf8', cut.starts[i], Math.min(cut.ends[i] ?? 0, (cut.starts[i] ?? 0) + 500))
        if (!this.#reject(file, value.reason, text)) return
      } else if (value !== BLANK) {
        file.head ??= await headOf(file, base + next)
        file.partitionId ??= this.#options.partitionId(file.inode, file.head)
        const offset: FileOffset = {
          path: file.path,
          inode: file.inode,
          byte: base + next,
          line,
          head: file.head,
          tail,
        }
        batch.push({
          value,
          key: keyField === undefined ? undefined : keyOf(value, keyField),
          partitionId: file.partitionId,
          sequence: BigInt(base + begin),
          offset: file.open ? { ...offset, open: true } : offset,
        })
      }
      file.position = base + next
      file.line = line
      file.tail = tail
    }
  }

  /** The record at the chunk's place is longer than allowed and its end is not in sight. */
  #passOver(file: TrackedFile, chunk: Chunk): void {
    const { buffer, base, from } = chunk
    const reason = `longer than maxRecordSize (${this.#options.config.maxRecordSize} bytes)`
    if (!file.discarding && !this.#reject(file, reason, buffer.toString('utf8', from, from + 500))) return
    file.discarding = true
    file.position = base + buffer.length
    file.tail = fingerprintOf(buffer, Math.max(0, buffer.length - TAIL_BYTES), buffer.length)
  }

  /** False when the source has to stop because of it. */
  #reject(file: TrackedFile, reason: string, text: string): boolean {
    const { config, logger, metrics } = this.#options
    const line = file.line + 1
    if (config.onMalformed === 'fail') {
      this.#failure = this.#malformed(file, line, reason, text)
      return false
    }
    this.#skipped++
    metrics.record('malformed', 1)
    if (this.#skipped <= LOGGED_SKIPS || this.#skipped % 1000 === 0)
      logger.warn(`skipped ${file.path}:${line}: ${reason}: ${shorten(text)}`, { skipped: this.#skipped })
    return true
  }

  #malformed(file: TrackedFile, line: number, reason: string, text: string): Error {
    const what = text === '' ? reason : `${reason}: ${shorten(text)}`
    return new ConfigError(
      [{ path: '', message: `${file.path}:${line}: ${what}; mend the file, or set onMalformed to skip` }],
      { code: 'PIO_FILE_MALFORMED' },
    )
  }
}

/** Drops the rest of a record that is too long; false when its newline is not in the chunk. */
function discardLine(file: TrackedFile, chunk: Chunk): boolean {
  const newline = chunk.buffer.indexOf(10, chunk.from)
  const end = newline < 0 ? chunk.buffer.length : newline + 1
  file.position = chunk.base + end
  file.tail = fingerprintOf(chunk.buffer, Math.max(0, end - TAIL_BYTES), end)
  chunk.from = end
  if (newline < 0) return false
  file.discarding = false
  file.line++
  return true
}

/** The newline that came after a record which had none is no empty line of its own. */
function closeOpenLine(file: TrackedFile, chunk: Chunk, logger: Logger): void {
  const { buffer, from } = chunk
  if (from >= buffer.length) return
  const newline = buffer[from] === 10 ? 1 : buffer[from] === 13 && buffer[from + 1] === 10 ? 2 : 0
  if (newline === 0)
    logger.warn(
      `${file.path}:${file.line} was read up to the end of the file and has grown since: its rest is a record`,
    )
  file.open = false
  file.position += newline
  chunk.from += newline
  file.tail = fingerprintOf(buffer, Math.max(0, chunk.from - TAIL_BYTES), chunk.from)
}

async function headOf(file: TrackedFile, end: number): Promise<Fingerprint> {
  const buffer = Buffer.alloc(Math.min(HEAD_BYTES, end))
  await readFully(await file.handle(), buffer, 0)
  return fingerprintOf(buffer, 0, buffer.length)
}

function keyOf(value: unknown, field: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const key = (value as { readonly [name: string]: unknown })[field]
  if (key === undefined || key === null) return undefined
  return typeof key === 'string' ? key : JSON.stringify(key)
}
