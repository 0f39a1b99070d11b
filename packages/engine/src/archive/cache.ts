import { createHash, randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { dirname, join } from 'node:path'
import type { Manifest } from '@pulsar-io/sdk'
import { type ArchiveContents, readContents } from './contents.ts'
import { ArchiveError, isArchiveError, messageOf, systemCode } from './errors.ts'
import { MANIFEST_FILE } from './format.ts'
import type { ArchiveLimits } from './limits.ts'
import { parseManifest } from './manifest.ts'
import type { FileSink } from './scan.ts'

/** Written into an entry as the last file: what the manifest has to be. */
const MARKER = 'complete.json'
const PACKAGE = 'package'
const TEMP = /^tmp-([0-9a-f]{8})-(\d+)-[0-9a-f]+$/
const DAY_MS = 24 * 60 * 60 * 1_000

/** A connector in the cache. */
export interface CachedPackage {
  /** The folder with `package.json`. */
  readonly directory: string
  readonly manifest: Manifest
}

/** The folder of extracted archives: `$PULSAR_IO_CACHE`, else the system's cache folder. */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const own = env.PULSAR_IO_CACHE
  if (own) return join(own, 'archives')
  const xdg = env.XDG_CACHE_HOME
  if (xdg) return join(xdg, 'pulsar-io', 'archives')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'pulsar-io', 'archives')
  if (process.platform === 'win32' && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, 'pulsar-io', 'archives')
  return join(homedir(), '.cache', 'pulsar-io', 'archives')
}

/**
 * Extracted archives, one folder per sha256. An entry is made in a temporary folder and renamed, so a folder of that
 * name is whole, whoever was killed when. Every use compares each file with the manifest: an entry that was changed or
 * cut off afterwards is put right.
 */
export class ArchiveCache {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  /** The entry of an archive when it is there and as it was packed. Reads, never writes. */
  async lookup(archive: string, sha256: string): Promise<CachedPackage | undefined> {
    const entry = join(this.#dir, sha256)
    const directory = join(entry, PACKAGE)
    try {
      const marker: unknown = JSON.parse(await readFile(join(entry, MARKER), 'utf8'))
      const text = await readFile(join(directory, MANIFEST_FILE))
      if ((marker as { manifest?: unknown } | null)?.manifest !== sha256Of(text)) return undefined
      const manifest = parseManifest(archive, text.toString('utf8'))
      return (await isIntact(directory, manifest)) ? { directory, manifest } : undefined
    } catch (error) {
      // A refusal stays one: the archive itself says the same. Anything else means: not there, or not whole.
      if (isArchiveError(error)) throw error
      return undefined
    }
  }

  /**
   * The entry of an archive, extracted when it is not there yet.
   *
   * @throws ArchiveError when the archive is refused, or `PIO_ARCHIVE_CACHE` when the cache cannot be written.
   */
  async provide(archive: string, sha256: string, bytes: Uint8Array, limits: ArchiveLimits): Promise<CachedPackage> {
    const cached = await this.lookup(archive, sha256)
    if (cached !== undefined) return cached
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 })
      await this.#removeLeftovers()
      return await this.#extract(archive, sha256, bytes, limits)
    } catch (error) {
      if (isArchiveError(error)) throw error
      throw new ArchiveError(
        'PIO_ARCHIVE_CACHE',
        archive,
        `it cannot be extracted to ${this.#dir} (${messageOf(error)}). Make that folder writable, free some space, or set PULSAR_IO_CACHE to another folder`,
        { cause: error },
      )
    }
  }

  async #extract(archive: string, sha256: string, bytes: Uint8Array, limits: ArchiveLimits): Promise<CachedPackage> {
    const temp = join(this.#dir, tempName(process.pid))
    const entry = join(this.#dir, sha256)
    const writer = new PackageWriter(join(temp, PACKAGE))
    try {
      const contents = await readContents(archive, bytes, limits, path => writer.open(path))
      const manifest = contents.files.find(file => file.path === MANIFEST_FILE)?.sha256
      await writeFile(join(temp, MARKER), `${JSON.stringify({ manifest })}\n`)
      try {
        await rename(temp, entry)
      } catch (error) {
        if (!isOccupied(error)) throw error
        // Another process was faster, or the entry is there and damaged.
        if ((await this.lookup(archive, sha256)) === undefined) await putRight(temp, entry, contents)
      }
      return { directory: join(entry, PACKAGE), manifest: contents.manifest }
    } finally {
      writer.close()
      await rm(temp, { recursive: true, force: true })
    }
  }

  /** Removes what processes left that were killed while they extracted. */
  async #removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.#dir)) {
      const [, host, pid] = TEMP.exec(name) ?? []
      if (host === undefined || pid === undefined) continue
      const path = join(this.#dir, name)
      if ((host === hostTag() && !isAlive(Number(pid))) || (await isOld(path))) {
        await rm(path, { recursive: true, force: true })
      }
    }
  }
}

/** True when the folder holds the files of the manifest and no others. */
async function isIntact(directory: string, manifest: Manifest): Promise<boolean> {
  const listed = Object.entries(manifest.files)
  const found = (await readdir(directory, { recursive: true, withFileTypes: true })).filter(file => !file.isDirectory())
  if (found.length !== listed.length + 1) return false
  const same = await Promise.all(
    listed.map(async ([path, sha256]) => sha256Of(await readFile(join(directory, path))) === sha256),
  )
  return same.every(Boolean)
}

/**
 * Replaces the files of a damaged entry one by one. The folder itself stays, because another process may be loading
 * from it; a file that is right already is replaced by the same bytes.
 */
async function putRight(temp: string, entry: string, contents: ArchiveContents): Promise<void> {
  if (!(await stat(entry)).isDirectory()) await rm(entry, { force: true })
  const wanted = new Set(contents.files.map(file => join(PACKAGE, file.path))).add(MARKER)
  await mkdir(entry, { recursive: true })
  for (const file of await readdir(entry, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name)
    if (!file.isDirectory() && !wanted.has(path.slice(entry.length + 1))) await rm(path, { force: true })
  }
  for (const path of wanted) {
    await replace(join(temp, path), join(entry, path))
  }
}

async function replace(from: string, to: string): Promise<void> {
  try {
    await mkdir(dirname(to), { recursive: true })
    await rename(from, to)
  } catch (error) {
    if (!isOccupied(error)) throw error
    // A folder stands where the file has to be.
    await rm(to, { recursive: true, force: true })
    await rename(from, to)
  }
}

/** Writes files as their content comes. The scan is synchronous, so one file is open at a time. */
class PackageWriter {
  readonly #root: string
  readonly #folders = new Set<string>()
  readonly #open = new Set<number>()

  constructor(root: string) {
    this.#root = root
  }

  open(path: string): FileSink {
    const target = join(this.#root, path)
    const folder = dirname(target)
    if (!this.#folders.has(folder)) mkdirSync(folder, { recursive: true })
    this.#folders.add(folder)
    // `wx`: the folder is new and no entry comes twice, so nothing can be there.
    const file = openSync(target, 'wx', 0o644)
    this.#open.add(file)
    return {
      data: chunk => {
        for (let at = 0; at < chunk.byteLength; ) at += writeSync(file, chunk, at)
      },
      end: () => {
        this.#open.delete(file)
        closeSync(file)
      },
    }
  }

  /** Closes what a failed scan left open. */
  close(): void {
    for (const file of this.#open) closeSync(file)
    this.#open.clear()
  }
}

/** A new name for a folder that a process of this machine works in. */
export function tempName(pid: number): string {
  return `tmp-${hostTag()}-${pid}-${randomBytes(6).toString('hex')}`
}

function isOccupied(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR', 'EPERM'].includes(systemCode(error) ?? '')
}

/** Process ids mean something on one machine only, and a cache may be shared. */
function hostTag(): string {
  return sha256Of(Buffer.from(hostname())).slice(0, 8)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) !== 'ESRCH'
  }
}

async function isOld(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > DAY_MS
  } catch (error) {
    // Its owner has renamed or removed it meanwhile.
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}

/** The sha256 of bytes in hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
