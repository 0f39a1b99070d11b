import { resolve as resolvePath } from 'node:path'
import type { Manifest } from '@pulsar-io/sdk'
import { ArchiveCache, type CachedPackage, defaultCacheDir, sha256Of } from './cache.ts'
import { type ArchiveFile, readContents } from './contents.ts'
import { checkAllowed, download, shownUrl } from './download.ts'
import { ArchiveError } from './errors.ts'
import { openFolder } from './folder.ts'
import { type ArchiveLimits, limitsFrom } from './limits.ts'
import { type Location, locate } from './locate.ts'
import { readArchive } from './read-file.ts'
import { type ArchiveReference, parseReference } from './reference.ts'

/** Where archives are looked for and what they may cost. */
export interface ArchiveOptions {
  /** Relative paths and installed packages are looked up from here. Default: the working directory. */
  readonly cwd?: string | undefined
  /** The folder of `builtin://`. Default: `connectors` in `cwd`. */
  readonly connectorsDir?: string | undefined
  /** The folder of extracted archives. Default: `$PULSAR_IO_CACHE/archives`, else in the system's cache folder. */
  readonly cacheDir?: string | undefined
  /** Addresses that archives may be fetched from, as prefixes. Default: none. */
  readonly allowedUrls?: readonly string[] | undefined
  readonly limits?: Partial<ArchiveLimits> | undefined
  /** Ends a download. */
  readonly signal?: AbortSignal | undefined
}

/** A connector whose code is on the disk, checked, and not loaded yet. Plain data: it may be sent to a thread. */
export interface ResolvedArchive {
  /** The absolute path or the address that was given, for messages. */
  readonly archive: string
  /** The folder with the package's files. */
  readonly directory: string
  readonly manifest: Manifest
  /** Of the archive file, in hex; undefined for an installed package. */
  readonly sha256: string | undefined
}

/** What is known of an archive without loading it. */
export interface ArchiveInspection {
  readonly archive: string
  readonly manifest: Manifest
  /** Bytes of the archive file; undefined for an installed package. */
  readonly size: number | undefined
  readonly sha256: string | undefined
  readonly files: readonly ArchiveFile[]
}

/**
 * Finds an archive, checks all of it and extracts it to the cache, or takes it from there.
 *
 * @param reference A path, `builtin://name`, an installed package's name, `file://`, or `http(s)://` where allow-listed;
 * each with an optional `#sha256=<hex>`.
 * @throws ArchiveError when it is refused; nothing is left behind.
 */
export async function resolveArchive(reference: string, options: ArchiveOptions = {}): Promise<ResolvedArchive> {
  const parsed = parseReference(reference)
  const limits = limitsFrom(options.limits)
  const cache = new ArchiveCache(options.cacheDir ?? defaultCacheDir())
  const place = await find(parsed, options)
  if (place.type === 'folder') {
    const { archive, directory, manifest } = await openFolder(place.path, limits)
    return { archive, directory, manifest, sha256: undefined }
  }
  const { archive } = place
  if (place.type === 'url' && parsed.sha256 !== undefined) {
    // A pinned archive that is here already does not need its server.
    const cached = await cache.lookup(archive, parsed.sha256)
    if (cached !== undefined) return resolved(archive, cached, parsed.sha256)
  }
  const bytes = await place.read()
  const sha256 = checkPin(archive, bytes, parsed.sha256)
  return resolved(archive, await cache.provide(archive, sha256, bytes, limits), sha256)
}

/**
 * Reads and checks all of an archive without extracting or loading it.
 *
 * @throws ArchiveError when it would be refused.
 */
export async function inspectArchive(reference: string, options: ArchiveOptions = {}): Promise<ArchiveInspection> {
  const parsed = parseReference(reference)
  const limits = limitsFrom(options.limits)
  const place = await find(parsed, options)
  if (place.type === 'folder') {
    const { archive, manifest, files } = await openFolder(place.path, limits)
    return { archive, manifest, files, size: undefined, sha256: undefined }
  }
  const bytes = await place.read()
  const sha256 = checkPin(place.archive, bytes, parsed.sha256)
  const { manifest, files } = await readContents(place.archive, bytes, limits)
  return { archive: place.archive, manifest, files, size: bytes.byteLength, sha256 }
}

/** A resolved archive and its bytes, for whoever keeps them somewhere else as well. */
export interface FetchedArchive {
  readonly resolved: ResolvedArchive
  readonly bytes: Uint8Array
  /** In hex. */
  readonly sha256: string
}

/**
 * Does what {@link resolveArchive} does, and hands out the bytes.
 *
 * @throws ArchiveError when it is refused, or is no archive file but an installed package.
 */
export async function fetchArchive(reference: string, options: ArchiveOptions = {}): Promise<FetchedArchive> {
  const parsed = parseReference(reference)
  const place = await find(parsed, options)
  if (place.type === 'folder') {
    throw new ArchiveError('PIO_ARCHIVE_REFERENCE', place.path, 'this is a folder, not an archive. Give a .tgz file')
  }
  const bytes = await place.read()
  const sha256 = checkPin(place.archive, bytes, parsed.sha256)
  const cache = new ArchiveCache(options.cacheDir ?? defaultCacheDir())
  const cached = await cache.provide(place.archive, sha256, bytes, limitsFrom(options.limits))
  return { resolved: resolved(place.archive, cached, sha256), bytes, sha256 }
}

type Place =
  | { readonly type: 'folder'; readonly path: string }
  | { readonly type: 'file' | 'url'; readonly archive: string; read(): Promise<Uint8Array> }

async function find(reference: ArchiveReference, options: ArchiveOptions): Promise<Place> {
  const limits = limitsFrom(options.limits)
  if (reference.type === 'url') {
    const { url } = reference
    const { allowedUrls = [], signal } = options
    // Before anything else, so that what is cached says nothing about who may fetch.
    checkAllowed(url, allowedUrls)
    const read = () => download(url, { allowedUrls, maxBytes: limits.archiveBytes, signal })
    return { type: 'url', archive: shownUrl(url), read }
  }
  const cwd = resolvePath(options.cwd ?? '.')
  const connectorsDir = resolvePath(cwd, options.connectorsDir ?? 'connectors')
  const location: Location = await locate(reference, { cwd, connectorsDir })
  if (location.type === 'file') {
    return { type: 'file', archive: location.path, read: () => readArchive(location.path, limits) }
  }
  if (reference.sha256 === undefined) return location
  throw new ArchiveError(
    'PIO_ARCHIVE_REFERENCE',
    location.path,
    '#sha256= fixes the bytes of an archive file, but this is an installed package. Give the .tgz file, or leave #sha256= out',
  )
}

function resolved(archive: string, cached: CachedPackage, sha256: string): ResolvedArchive {
  return { archive, directory: cached.directory, manifest: cached.manifest, sha256 }
}

/** The sha256 of the bytes, refused when another was asked for. */
function checkPin(archive: string, bytes: Uint8Array, wanted: string | undefined): string {
  const sha256 = sha256Of(bytes)
  if (wanted === undefined || wanted === sha256) return sha256
  throw new ArchiveError(
    'PIO_ARCHIVE_CHECKSUM',
    archive,
    `its sha256 is ${sha256}, but #sha256=${wanted} was asked for. Get the archive that was meant, or give the new sum after checking where the change came from`,
  )
}
