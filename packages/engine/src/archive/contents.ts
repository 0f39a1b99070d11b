import { createHash } from 'node:crypto'
import type { Manifest } from '@pulsar-io/sdk'
import { ArchiveError } from './errors.ts'
import { MANIFEST_FILE } from './format.ts'
import { type ArchiveLimits, formatBytes } from './limits.ts'
import { checkPackageJson, missingManifest, parseManifest } from './manifest.ts'
import { type FileSink, scanArchive } from './scan.ts'

/** One file of an archive. */
export interface ArchiveFile {
  /** Path inside the package. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Hex. */
  readonly sha256: string
}

/** What a whole archive holds, after every check. */
export interface ArchiveContents {
  readonly manifest: Manifest
  /** All files, the manifest included, sorted by path. */
  readonly files: readonly ArchiveFile[]
}

/**
 * Reads everything and checks it against the manifest. With `open`, each file's content goes there, too; it must not be
 * used before this function returned.
 *
 * @throws ArchiveError for the first thing that is wrong; files that do not match the manifest are named together.
 */
export async function readContents(
  archive: string,
  bytes: Uint8Array,
  limits: ArchiveLimits,
  open?: (path: string) => FileSink,
): Promise<ArchiveContents> {
  const texts = new Map<string, string>()
  const files: ArchiveFile[] = []
  let manifest: Manifest | undefined
  await scanArchive(archive, bytes, {
    limits,
    onFile: (path, size) => {
      const sinks: FileSink[] = [new HashedFile(sha256 => files.push({ path, size, sha256 }))]
      if (open !== undefined) sinks.push(open(path))
      if (path === MANIFEST_FILE || path === 'package.json') {
        const keep = (text: string) => {
          texts.set(path, text)
          // Parsed at once: an archive for another API level is refused for that, whatever follows.
          if (path === MANIFEST_FILE) manifest = parseManifest(archive, text)
        }
        sinks.push(new TextFile(archive, path, size, limits, keep))
      }
      return new AllOf(sinks)
    },
  })
  if (manifest === undefined) throw missingManifest(archive)
  files.sort((a, b) => (a.path < b.path ? -1 : 1))
  checkFiles(archive, manifest, files)
  checkPackageJson(archive, manifest, texts.get('package.json') ?? '')
  return { manifest, files }
}

/** Compares the files that are there with those that the manifest lists. */
export function checkFiles(archive: string, manifest: Manifest, files: readonly ArchiveFile[]): void {
  const there = new Set(files.map(file => file.path))
  const missing = Object.keys(manifest.files).filter(path => !there.has(path))
  if (missing.length > 0) {
    throw new ArchiveError(
      'PIO_ARCHIVE_INCOMPLETE',
      archive,
      `${nameSome(missing)} of the manifest ${missing.length === 1 ? 'is' : 'are'} missing. Pack or download it again`,
    )
  }
  const unlisted = files.filter(file => file.path !== MANIFEST_FILE && !Object.hasOwn(manifest.files, file.path))
  if (unlisted.length > 0) {
    throw new ArchiveError(
      'PIO_ARCHIVE_UNLISTED',
      archive,
      `the manifest does not list ${nameSome(unlisted.map(file => file.path))}: something was added after packing. Pack or download it again`,
    )
  }
  const changed = files.filter(file => file.path !== MANIFEST_FILE && manifest.files[file.path] !== file.sha256)
  if (changed.length > 0) {
    throw new ArchiveError(
      'PIO_ARCHIVE_CHECKSUM',
      archive,
      `${nameSome(changed.map(file => file.path))} ${changed.length === 1 ? 'has' : 'have'} another sha256 than the manifest says: changed after packing, or damaged. Pack or download it again`,
    )
  }
}

/** A few of many names. */
function nameSome(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}

/** Hands each chunk to several takers. */
class AllOf implements FileSink {
  readonly #sinks: readonly FileSink[]

  constructor(sinks: readonly FileSink[]) {
    this.#sinks = sinks
  }

  data(chunk: Uint8Array): void {
    for (const sink of this.#sinks) sink.data(chunk)
  }

  end(): void {
    for (const sink of this.#sinks) sink.end()
  }
}

class HashedFile implements FileSink {
  readonly #hash = createHash('sha256')
  readonly #done: (sha256: string) => void

  constructor(done: (sha256: string) => void) {
    this.#done = done
  }

  data(chunk: Uint8Array): void {
    this.#hash.update(chunk)
  }

  end(): void {
    this.#done(this.#hash.digest('hex'))
  }
}

/** Keeps a small text file in memory. */
class TextFile implements FileSink {
  readonly #chunks: Buffer[] = []
  readonly #done: (text: string) => void

  constructor(archive: string, path: string, size: number, limits: ArchiveLimits, done: (text: string) => void) {
    if (size > limits.manifestBytes) {
      throw new ArchiveError(
        'PIO_ARCHIVE_LIMIT',
        archive,
        `${path} is larger than ${formatBytes(limits.manifestBytes)}. Pack it again with pnpm pack:connectors`,
      )
    }
    this.#done = done
  }

  data(chunk: Uint8Array): void {
    // The parser uses its buffers again.
    this.#chunks.push(Buffer.from(chunk))
  }

  end(): void {
    this.#done(Buffer.concat(this.#chunks).toString('utf8'))
  }
}
