import { realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fetchArchive, isArchiveError, type ResolvedArchive, resolveArchive } from '@pulsar-io/engine'
import { ReplyError } from '../reply-error.ts'
import type { ArchiveStore } from '../store/archive-store.ts'
import type { PackageReference } from '../store/record.ts'
import type { Builtins } from './builtins.ts'

/** What a request brings as the code of a connector. */
export type GivenPackage =
  | { readonly type: 'upload'; readonly path: string; readonly filename: string }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'builtin'; readonly name: string }

/** A package that was checked. */
export interface CheckedPackage {
  readonly reference: PackageReference
  readonly archive: ResolvedArchive
  /** What has to be stored before anybody may run it. */
  readonly bytes?: Uint8Array
}

/** How packages are found. */
export interface PackageOptions {
  readonly cacheDir: string | undefined
  /** Prefixes of addresses that packages may come from; `file://` folders, too. */
  readonly allowedUrls: readonly string[]
}

/** Pulsar's words. */
const BAD_URL = 'Function Package url is not valid.supported url (http/https/file)'

/** Finds, checks and keeps the code of connectors. */
export class Packages {
  readonly #builtins: Builtins
  readonly #archives: ArchiveStore
  readonly #options: PackageOptions
  readonly #resolved = new Map<string, Promise<ResolvedArchive>>()

  constructor(builtins: Builtins, archives: ArchiveStore, options: PackageOptions) {
    this.#builtins = builtins
    this.#archives = archives
    this.#options = options
  }

  /** The code of a stored connector, ready to run here. Rejects when it is not to be had. */
  resolve(reference: PackageReference): Promise<ResolvedArchive> {
    const key = reference.type === 'builtin' ? reference.name : reference.sha256
    const known = this.#resolved.get(key)
    if (known !== undefined) return known
    const resolving = this.#resolve(reference).catch(error => {
      // The next one tries again.
      this.#resolved.delete(key)
      throw error
    })
    this.#resolved.set(key, resolving)
    return resolving
  }

  /** Looks at all of them anew when they are next asked for. */
  forget(): void {
    this.#resolved.clear()
  }

  /**
   * Checks what a request brings: limits, paths and checksums of the archive, and that its address is allowed.
   * Nothing is stored. Throws a ReplyError (400).
   */
  async check(given: GivenPackage): Promise<CheckedPackage> {
    if (given.type === 'builtin') {
      const reference = { type: 'builtin', name: given.name } as const
      return { reference, archive: await refused(() => this.resolve(reference)) }
    }
    if (given.type === 'upload') return this.#checkFile(given.path, given.filename)
    return this.#checkUrl(given.url)
  }

  async #resolve(reference: PackageReference): Promise<ResolvedArchive> {
    const { cacheDir } = this.#options
    if (reference.type === 'builtin') {
      return resolveArchive(`builtin://${reference.name}`, { connectorsDir: this.#builtins.directory, cacheDir })
    }
    return resolveArchive(await this.#archives.file(reference.sha256), { cacheDir })
  }

  async #checkFile(path: string, shown: string): Promise<CheckedPackage> {
    try {
      const { bytes, sha256, resolved } = await fetchArchive(path, { cacheDir: this.#options.cacheDir })
      return { reference: { type: 'stored', sha256 }, archive: resolved, bytes }
    } catch (error) {
      // Where the worker keeps it is nobody's business.
      if (isArchiveError(error)) throw new ReplyError(400, error.message.replaceAll(path, shown), { cause: error })
      throw error
    }
  }

  async #checkUrl(text: string): Promise<CheckedPackage> {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url?.protocol === 'file:') return this.#checkFile(await this.#allowedFile(url), text)
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw new ReplyError(400, BAD_URL)
    const { allowedUrls, cacheDir } = this.#options
    return refused(async () => {
      const { bytes, sha256, resolved } = await fetchArchive(text, { allowedUrls, cacheDir })
      return { reference: { type: 'stored', sha256 }, archive: resolved, bytes } as const
    })
  }

  /** A file of this machine, where it is in the connectors folder or in one that is allowed. */
  async #allowedFile(url: URL): Promise<string> {
    const path = filePath(url)
    const folders = [
      this.#builtins.directory,
      ...this.#options.allowedUrls.filter(each => each.startsWith('file:')).map(each => filePath(new URL(each))),
    ]
    const real = await realOf(path)
    for (const folder of folders) {
      const root = await realOf(folder)
      if (real !== undefined && root !== undefined && real.startsWith(root.endsWith(sep) ? root : root + sep))
        return real
    }
    throw new ReplyError(
      400,
      `${BAD_URL}: ${url.href} is not in the connectors folder of the worker, nor below a file:// folder that --allow-url names`,
    )
  }
}

function filePath(url: URL): string {
  try {
    return fileURLToPath(url)
  } catch (error) {
    throw new ReplyError(400, BAD_URL, { cause: error })
  }
}

async function realOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch {
    // Not there, or not to be looked at: not allowed either way, and nobody is to learn which.
    return undefined
  }
}

/** An archive that is refused is the fault of the request. */
async function refused<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isArchiveError(error)) throw new ReplyError(400, error.message, { cause: error })
    throw error
  }
}
