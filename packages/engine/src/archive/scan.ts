import { createGunzip } from 'node:zlib'
import { EntryNames, packagePath } from './entry-path.ts'
import { ArchiveError, messageOf } from './errors.ts'
import { type ArchiveLimits, formatBytes } from './limits.ts'

/** Takes the content of one file, chunk by chunk. */
export interface FileSink {
  data(chunk: Uint8Array): void
  /** Called after the last chunk. */
  end(): void
}

/** What a scan looks for. */
export interface ScanOptions {
  readonly limits: ArchiveLimits
  /** Called for each file that passed the checks, by its path inside the package. Returns who takes the content. */
  onFile(path: string, size: number): FileSink | undefined
  /** Asked after each chunk: true ends the scan early. */
  done?(): boolean
}

/** Entry types that hold a plain file. */
const FILE_TYPES = new Set(['File', 'OldFile', 'ContiguousFile'])
const LINK_TYPES = new Set(['Link', 'SymbolicLink'])
const DEVICE_TYPES = new Set(['CharacterDevice', 'BlockDevice', 'FIFO'])

/** Small archives may pack well; the ratio counts from here on. */
const RATIO_FROM_BYTES = 10 * 1024 * 1024

/**
 * Reads a gzipped tar from front to back, checks every entry, and hands out the content of plain files. Nothing is
 * written here.
 *
 * @throws ArchiveError for anything but a well-formed archive within the limits.
 */
export async function scanArchive(archive: string, bytes: Uint8Array, options: ScanOptions): Promise<void> {
  refuseOtherFormats(archive, bytes)
  const scan = await TarScan.create(archive, options)
  const budget = new Budget(archive, bytes.byteLength, options.limits)
  const gunzip = createGunzip()
  let damage: unknown
  gunzip.once('error', error => {
    damage = error
  })
  gunzip.end(bytes)
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      budget.spend(chunk.byteLength)
      scan.write(chunk)
      if (options.done?.() === true) return
    }
  } catch (error) {
    // Whoever takes the content may fail, too, for example on a full disk: that says nothing about the archive.
    throw error === damage ? corrupt(archive, messageOf(error), error) : error
  } finally {
    gunzip.destroy()
  }
  scan.end()
}

/** Says what a file is that is not a gzipped tar. */
function refuseOtherFormats(archive: string, bytes: Uint8Array): void {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return
  const start = Buffer.from(bytes.subarray(0, 4)).toString('latin1')
  const refuse = (reason: string) => new ArchiveError('PIO_ARCHIVE_FORMAT', archive, reason)
  if (bytes.byteLength === 0) throw refuse('the file is empty. Copy or download it again')
  if (start === 'PK\u0003\u0004') {
    throw refuse(
      'this is a zip file, such as a NAR or JAR (Java). Connectors here are .tgz archives for Node.js: take the one of ' +
        'the same name, for example builtin://elasticsearch',
    )
  }
  throw refuse(
    'this is not a gzipped tar archive. Connectors are .tgz files as pnpm pack:connectors or npm pack makes them',
  )
}

function corrupt(archive: string, reason: string, cause?: unknown): ArchiveError {
  return new ArchiveError(
    'PIO_ARCHIVE_CORRUPT',
    archive,
    `the archive is damaged or cut off (${reason}). Copy, download or pack it again`,
    { cause },
  )
}

/** Counts unpacked bytes. */
class Budget {
  readonly #archive: string
  readonly #compressed: number
  readonly #limits: ArchiveLimits
  #unpacked = 0

  constructor(archive: string, compressed: number, limits: ArchiveLimits) {
    this.#archive = archive
    this.#compressed = compressed
    this.#limits = limits
  }

  spend(bytes: number): void {
    this.#unpacked += bytes
    const { unpackedBytes, ratio } = this.#limits
    if (this.#unpacked > unpackedBytes) {
      throw this.#refuse(`it unpacks to more than ${formatBytes(unpackedBytes)}`)
    }
    if (this.#unpacked > RATIO_FROM_BYTES && this.#unpacked > this.#compressed * ratio) {
      throw this.#refuse(`it unpacks to more than ${ratio} times its size of ${formatBytes(this.#compressed)}`)
    }
  }

  #refuse(reason: string): ArchiveError {
    return new ArchiveError(
      'PIO_ARCHIVE_LIMIT',
      this.#archive,
      `${reason}, which no connector needs. Do not trust where it came from`,
    )
  }
}

type TarParser = InstanceType<typeof import('tar/parse').Parser>
type TarEntry = InstanceType<typeof import('tar/read-entry').ReadEntry>

/** The tar parser with our checks around it. Fed synchronously, so the first failure stops everything. */
class TarScan {
  readonly #archive: string
  readonly #options: ScanOptions
  readonly #parser: TarParser
  readonly #names: EntryNames
  #entries = 0
  #failure: unknown
  #failed = false
  #ended = false
  /** What came before there was a first whole block. */
  #head: Buffer | undefined = Buffer.alloc(0)

  /** The parser is loaded here, so that a start from a warm cache does not pay for it. */
  static async create(archive: string, options: ScanOptions): Promise<TarScan> {
    const { Parser } = await import('tar/parse')
    return new TarScan(archive, options, new Parser({ strict: true }))
  }

  private constructor(archive: string, options: ScanOptions, parser: TarParser) {
    this.#archive = archive
    this.#options = options
    this.#parser = parser
    this.#names = new EntryNames(archive)
    parser.on('entry', entry =>
      this.#guard(
        () => this.#entry(entry),
        () => entry.resume(),
      ),
    )
    parser.on('ignoredEntry', entry => this.#guard(() => this.#refuseType(entry)))
    parser.on('meta', () => this.#guard(() => this.#count()))
    parser.on('eof', () => {
      this.#ended = true
    })
    parser.on('error', error => this.#fail(corrupt(archive, messageOf(error), error)))
  }

  write(chunk: Uint8Array): void {
    const bytes = this.#firstBlock(chunk)
    // What follows the end mark is padding.
    if (bytes === undefined || this.#ended) return
    this.#feed(() => this.#parser.write(bytes))
  }

  end(): void {
    if (this.#head !== undefined) throw corrupt(this.#archive, 'there is no tar inside')
    this.#feed(() => this.#parser.end())
    if (!this.#ended) throw corrupt(this.#archive, 'the end mark of the tar is missing')
  }

  #feed(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#fail(corrupt(this.#archive, messageOf(error), error))
    }
    if (this.#failed) throw this.#failure
  }

  /** Holds back until there is one block. The parser would inflate once more, past the budget, what looks packed. */
  #firstBlock(chunk: Uint8Array): Buffer | undefined {
    if (this.#head === undefined) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const head = Buffer.concat([this.#head, chunk])
    if (head.length < 512) {
      this.#head = head
      return undefined
    }
    this.#head = undefined
    const packed = head.readUInt16BE(0) === 0x1f8b || head.readUInt32BE(0) === 0x28b52ffd
    if (packed) throw corrupt(this.#archive, 'it is compressed twice')
    return head
  }

  #guard(check: () => void, otherwise?: () => void): void {
    try {
      if (!this.#failed) check()
    } catch (error) {
      this.#fail(error)
    }
    if (this.#failed) otherwise?.()
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#failure = error
  }

  #count(): void {
    this.#entries++
    if (this.#entries <= this.#options.limits.entries) return
    throw new ArchiveError(
      'PIO_ARCHIVE_LIMIT',
      this.#archive,
      `it has more than ${this.#options.limits.entries} entries. Bundle the dependencies into few files, as pnpm pack:connectors does`,
    )
  }

  #entry(entry: TarEntry): void {
    this.#count()
    const folder = entry.type === 'Directory'
    if (!folder && !FILE_TYPES.has(entry.type)) this.#refuseType(entry)
    const path = packagePath(this.#archive, entry.path, folder)
    if (folder) {
      if (path !== '') this.#names.add(path, true)
      entry.resume()
      return
    }
    this.#names.add(path, false)
    const sink = this.#options.onFile(path, entry.size)
    if (sink === undefined) {
      entry.resume()
      return
    }
    entry.on('end', () => this.#guard(() => sink.end()))
    entry.on('data', chunk => this.#guard(() => sink.data(chunk)))
  }

  #refuseType(entry: TarEntry): never {
    const shown = JSON.stringify(entry.path)
    if (LINK_TYPES.has(entry.type)) {
      throw new ArchiveError(
        'PIO_ARCHIVE_LINK',
        this.#archive,
        `the entry ${shown} is a ${entry.type === 'Link' ? 'hard' : 'symbolic'} link to ${JSON.stringify(entry.linkpath)}. ` +
          'Links are not extracted. Pack the file itself',
      )
    }
    const what = DEVICE_TYPES.has(entry.type) ? `a device or pipe (${entry.type})` : `of the type ${entry.type}`
    throw new ArchiveError(
      'PIO_ARCHIVE_TYPE',
      this.#archive,
      `the entry ${shown} is ${what}. Only files and folders are extracted. Pack it again with pnpm pack:connectors`,
    )
  }
}
