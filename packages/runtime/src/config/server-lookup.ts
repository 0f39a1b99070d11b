import { open } from 'node:fs/promises'
import { type ConnectorSpec, type ResolvedArchive, resolveArchive } from '@pulsar-io/engine'
import type { ConnectorKind, Manifest, Problem } from '@pulsar-io/sdk'
import { ArchiveLookup, archiveOf } from './archive-lookup.ts'
import { ConfigProblems } from './config-problems.ts'
import { isObject } from './shape.ts'

/** What is to be sent to a worker as an archive. */
export interface ArchiveToSend {
  /** A path to upload, or what the worker is to make of it: `builtin://NAME`, or a URL. */
  readonly archive: string
  /** Where the archive is on this machine, and one of this project's. */
  readonly manifest?: Manifest
  readonly sha256?: string
}

/**
 * Archives of a worker. One that lies on this machine is asked about itself as for a local run; what the worker has, or
 * fetches, or what only Java understands, is the worker's to check.
 */
export class ServerLookup extends ArchiveLookup {
  readonly #resolved = new Map<string, Promise<ResolvedArchive | undefined>>()

  constructor() {
    super({})
  }

  /** Throws an ArchiveError, and ConfigProblems for what cannot be sent. */
  async toSend(reference: string): Promise<ArchiveToSend> {
    const found = await this.#local(reference)
    if (found === undefined) return { archive: reference }
    const { archive, manifest, sha256 } = found
    if (sha256 !== undefined) return { archive, manifest, sha256 }
    throw new ConfigProblems([
      {
        path: '--archive',
        message: `${archive} is an installed package, which cannot be sent; give its .tgz file, or builtin://NAME for one of the worker's own`,
      },
    ])
  }

  override async optionNames(archive: string | undefined, kind: ConnectorKind) {
    return archive === undefined || (await this.#here(archive)) ? super.optionNames(archive, kind) : undefined
  }

  override async configProblems(reference: string, kind: ConnectorKind, configs: unknown, secrets?: unknown) {
    if (!(await this.#here(reference))) return []
    const problems = await super.configProblems(reference, kind, configs, secrets)
    // The worker has other variables and files: what they give is not known here.
    return problems.filter(({ path }) => !isPlaceholder(valueAt(configs, path)))
  }

  override async planProblems(specs: readonly ConnectorSpec[]): Promise<readonly Problem[]> {
    const here: ConnectorSpec[] = []
    for (const spec of specs) {
      if (await this.#here(archiveOf(spec.kind, spec.config) ?? '')) here.push(spec)
    }
    return here.length === 0 ? [] : super.planProblems(here)
  }

  /** False where only the worker can tell; an archive that is missing or refused counts as here, where it is told. */
  async #here(reference: string): Promise<boolean> {
    // Whatever has a scheme, file:// included, is a place that the worker looks at.
    return !/^[a-z][a-z0-9+.-]+:\/\//i.test(reference) && !(await isJava(reference))
  }

  #local(reference: string): Promise<ResolvedArchive | undefined> {
    const known = this.#resolved.get(reference)
    if (known !== undefined) return known
    const asked = this.#here(reference).then(here => (here ? resolveArchive(reference) : undefined))
    this.#resolved.set(reference, asked)
    return asked
  }
}

/** A NAR or JAR is a zip file. */
async function isJava(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined) // it is said later what is wrong with it
  if (file === undefined) return false
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer.toString('latin1') === 'PK'
  } catch {
    return false // a folder
  } finally {
    await file.close()
  }
}

function valueAt(value: unknown, path: string): unknown {
  const parts = path.split(/\.|(?=\[)/).map(part => part.replace(/^\[(.*)\]$/, '$1'))
  return parts.reduce<unknown>((at, part) => {
    if (Array.isArray(at)) return at[Number(part)] as unknown
    return isObject(at) ? at[part] : undefined
  }, value)
}

function isPlaceholder(value: unknown): boolean {
  return typeof value === 'string' && /\$\{(env|file):[^}]+\}/.test(value)
}
