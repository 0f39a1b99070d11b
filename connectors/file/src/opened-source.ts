import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { crc32 } from 'node:zlib'
import { ConfigError, type SourceContext, type SourceRecord } from '@pulsar-io/sdk'
import { isCompressed, look, lookBeside, lookInto, nameMatcher } from './discovery.ts'
import { type FileOffset, parseOffset, partitionIdOf } from './identity.ts'
import type { SourceConfig } from './options.ts'
import { errno, notFound, readProblem } from './problems.ts'
import { RecordReader } from './record-reader.ts'
import { type Seen, TrackedFile } from './tracked-file.ts'
import { Waker } from './waker.ts'

/** Followed files beyond this number are closed between reads. */
const MAX_OPEN_FILES = 512
/** A busy folder is not listed more often than this. */
const MIN_SCAN_MS = 20

/** A source between `open` and `close`: the files that are read, and whose turn it is. */
export class OpenedSource {
  readonly #config: SourceConfig
  readonly #context: SourceContext
  readonly #path: string
  readonly #known = new Map<string, FileOffset | undefined>()
  readonly #reader: RecordReader
  readonly #matcher: RegExp
  readonly #noted = new Set<string>()
  #files: TrackedFile[] = []
  #byInode = new Map<string, TrackedFile>()
  #waker: Waker | undefined
  #folder = false
  #idle = false
  #turn = 0
  #scanned = Number.NEGATIVE_INFINITY

  constructor(config: SourceConfig, context: SourceContext) {
    this.#config = config
    this.#context = context
    this.#path = resolve(config.path)
    this.#matcher = nameMatcher(config.pattern)
    for (const [id, offset] of context.offsets) this.#known.set(id, parseOffset(id, offset))
    this.#reader = new RecordReader({
      config,
      logger: context.logger,
      metrics: context.metrics,
      partitionId: (inode, head) => {
        const id = partitionIdOf(inode, head, taken => this.#known.has(taken))
        this.#known.set(id, undefined)
        return id
      },
    })
  }

  async start(): Promise<void> {
    const { follow } = this.#config
    this.#folder = await this.#isFolder()
    if (!this.#folder && this.#context.instanceId > 0) {
      this.#context.logger.info(`${this.#path} is one file: instance 0 reads it, this one has nothing to do`)
      this.#idle = true
      return
    }
    if (!this.#folder && isCompressed(this.#path))
      throw new ConfigError([{ path: 'path', message: `${this.#path} is compressed; decompress it first` }], {
        code: 'PIO_FILE_COMPRESSED',
      })
    if (follow) {
      this.#waker = new Waker(this.#folder ? this.#path : dirname(this.#path), this.#context.logger)
      this.#waker.watch()
      if (!this.#folder) await this.#trackRotated()
    }
    await this.#scan()
    if (this.#files.length === 0)
      this.#note(
        this.#folder ? `no file in ${this.#path} matches ${this.#config.pattern}` : `waiting for ${this.#path}`,
      )
  }

  async read(): Promise<readonly SourceRecord[] | null> {
    const { signal } = this.#context
    while (!this.#idle && !signal.aborted) {
      const file = this.#next()
      if (file) {
        const records = await this.#take(file)
        if (records.length > 0) return records
      } else {
        if (!this.#config.follow) return null
        await this.#waker?.wait(this.#config.pollInterval, signal)
        if (!signal.aborted) await this.#scan()
      }
    }
    return this.#idle ? null : []
  }

  async close(): Promise<void> {
    this.#waker?.close()
    const files = this.#files
    this.#files = []
    this.#byInode.clear()
    for (const file of files) await file.close()
  }

  /** Files that were rotated away come first: what is in them is older. */
  #next(): TrackedFile | undefined {
    const gone = this.#files.find(file => file.goneSince !== undefined && file.dirty)
    if (gone) return gone
    for (let i = 0; i < this.#files.length; i++) {
      const turn = (this.#turn + i) % this.#files.length
      const file = this.#files[turn]
      if (!file?.dirty) continue
      // With follow each file gets its turn; without, one file after the other.
      this.#turn = this.#config.follow ? turn + 1 : turn
      return file
    }
    return undefined
  }

  async #take(file: TrackedFile): Promise<SourceRecord[]> {
    const { follow, rotateWait } = this.#config
    const over = file.goneSince !== undefined && performance.now() - file.goneSince >= rotateWait
    try {
      const records = await this.#reader.take(file, !follow || over)
      if (!file.dirty) {
        if (!follow || over) await this.#drop(file)
        else if (this.#files.length > MAX_OPEN_FILES && file.goneSince === undefined) await file.close()
      }
      return records
    } catch (error) {
      if (follow && errno(error) === 'ENOENT') {
        // Only a file that was not kept open can vanish before it is read.
        this.#context.logger.warn(`${file.path} is gone before it was read to its end`, { byte: file.position })
        await this.#drop(file)
        return []
      }
      throw readProblem(error, file.path)
    }
  }

  async #scan(): Promise<void> {
    await this.#pace()
    const found = new Set<TrackedFile>()
    for (const seen of await this.#find()) {
      const key = keyOf(seen)
      const tracked = this.#byInode.get(key)
      if (tracked) {
        tracked.see(seen)
        tracked.goneSince = undefined
        found.add(tracked)
      } else {
        found.add(await this.#track(seen))
      }
    }
    if (!this.#config.follow) return
    for (const file of [...this.#files]) if (!found.has(file)) await this.#seeGone(file)
    this.#files.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** Coalesces the many notices of a burst of writes. */
  async #pace(): Promise<void> {
    const wait = this.#scanned + MIN_SCAN_MS - performance.now()
    if (wait > 0) await new Promise(done => setTimeout(done, wait))
    this.#scanned = performance.now()
  }

  async #find(): Promise<Seen[]> {
    if (!this.#folder) {
      const seen = await look(this.#path)
      return seen ? [seen] : []
    }
    const { files, compressed } = await lookInto(this.#path, this.#matcher)
    for (const path of compressed) this.#note(`passing over ${path}: it is compressed`)
    const { instanceId, numInstances } = this.#context
    // By inode and not by name, so that a rotated file stays with the instance that was reading it.
    return files.filter(seen => crc32(seen.inode) % numInstances === instanceId)
  }

  async #track(seen: Seen): Promise<TrackedFile> {
    const file = new TrackedFile(seen)
    try {
      await this.#recognise(file)
      // An open file can still be read when a rotation renames or deletes it.
      if (this.#config.follow && this.#files.length < MAX_OPEN_FILES) await file.handle()
      else await file.close()
    } catch (error) {
      await file.close()
      throw readProblem(error, seen.path)
    }
    this.#files.push(file)
    this.#byInode.set(keyOf(seen), file)
    return file
  }

  /** Goes on where an earlier run stopped: the same inode wherever it is now, or the same path with the same content. */
  async #recognise(file: TrackedFile): Promise<void> {
    const claimed = new Set(this.#files.map(other => other.partitionId))
    const candidates = [...this.#known]
      .flatMap(([id, offset]) => (offset && !claimed.has(id) ? [{ id, offset }] : []))
      .filter(({ offset }) => offset.inode === file.inode || offset.path === file.path)
      .sort((a, b) => rank(b.offset, file) - rank(a.offset, file))
    for (const { id, offset } of candidates) if (await file.resume(id, offset)) return
    if (candidates.length > 0)
      this.#context.logger.info(`${file.path} is not the file that was read before; reading it from its start`)
  }

  /** A single file may have been rotated while nobody looked: its rest is beside it under another name. */
  async #trackRotated(): Promise<void> {
    const current = await look(this.#path)
    const offsets = [...this.#known.values()].filter(offset => offset !== undefined)
    const inodes = new Set(offsets.filter(offset => offset.inode !== current?.inode).map(offset => offset.inode))
    if (inodes.size === 0) return
    for (const seen of await lookBeside(this.#path, inodes)) {
      const file = await this.#track(seen)
      file.goneSince = performance.now()
      // A file that only got the inode of one that we know is none of ours.
      if (file.partitionId === undefined) await this.#drop(file)
    }
  }

  async #seeGone(file: TrackedFile): Promise<void> {
    const { rotateWait } = this.#config
    if (!file.isOpen) {
      if (file.dirty) this.#context.logger.warn(`${file.path} is gone before it was read to its end`)
      await this.#drop(file)
    } else if (file.goneSince === undefined) {
      this.#context.logger.info(`${file.path} was renamed or deleted; reading it to its end`)
      file.goneSince = performance.now()
      await file.seeGone()
    } else if (await file.seeGone()) {
      file.goneSince = performance.now()
    } else if (performance.now() - file.goneSince >= rotateWait) {
      // Nobody completes its last line any more: one more read takes it as it is.
      file.dirty = true
    }
  }

  async #drop(file: TrackedFile): Promise<void> {
    this.#files = this.#files.filter(other => other !== file)
    for (const [key, other] of this.#byInode) if (other === file) this.#byInode.delete(key)
    await file.close()
  }

  async #isFolder(): Promise<boolean> {
    try {
      const found = await stat(this.#path)
      if (!found.isDirectory() && !found.isFile())
        throw new ConfigError([{ path: 'path', message: `${this.#path} is neither a file nor a folder` }], {
          code: 'PIO_FILE_NOT_READABLE',
        })
      return found.isDirectory()
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw readProblem(error, this.#path)
      if (!this.#config.follow) throw notFound(this.#path, error)
      return this.#config.path.endsWith('/')
    }
  }

  /** Says a thing once. */
  #note(message: string): void {
    if (this.#noted.has(message)) return
    this.#noted.add(message)
    this.#context.logger.info(message, {
      folder: this.#folder ? this.#path : dirname(this.#path),
      file: basename(this.#path),
    })
  }
}

function keyOf(seen: Seen): string {
  return `${seen.device}:${seen.inode}`
}

/** The newest generation of the same inode first. */
function rank(offset: FileOffset, file: TrackedFile): number {
  return (offset.inode === file.inode ? 2 ** 53 : 0) + offset.byte / 2
}
