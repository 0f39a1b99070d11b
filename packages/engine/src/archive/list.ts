import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ConnectorKind, Manifest } from '@pulsar-io/sdk'
import { readContents } from './contents.ts'
import { isArchiveError, messageOf, systemCode } from './errors.ts'
import { type ArchiveLimits, limitsFrom } from './limits.ts'
import { readArchive } from './read-file.ts'

/** A connector that a folder offers. */
export interface ConnectorListing {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly kinds: readonly ConnectorKind[]
  /** Absolute path of the archive. */
  readonly path: string
  readonly manifest: Manifest
}

/** What a folder offers and what it holds besides. */
export interface ConnectorScan {
  /** By name. */
  readonly found: readonly ConnectorListing[]
  readonly skipped: readonly { readonly file: string; readonly reason: string }[]
}

/** Files that somebody may have meant as connectors. */
const CANDIDATE = /\.(tgz|tar\.gz|nar|jar|zip)$/

/**
 * Lists the connectors of a folder by their manifests; no code is loaded and nothing is extracted. A file that is no
 * connector, or is damaged, is skipped with the reason, never an error.
 */
export async function listConnectors(dir: string, limits?: Partial<ArchiveLimits>): Promise<ConnectorScan> {
  const folder = resolve(dir)
  const bounds = limitsFrom(limits)
  const byName = new Map<string, ConnectorListing>()
  const skipped: { file: string; reason: string }[] = []
  for (const file of await filesOf(folder, skipped)) {
    const path = join(folder, file)
    try {
      // All of it, since one that was cut off behind its manifest is none either; it takes milliseconds.
      const { manifest } = await readContents(path, await readArchive(path, bounds), bounds)
      const { name, version, description, kinds } = manifest
      const listing = { name, version, description, kinds, path, manifest }
      const other = byName.get(name)
      // Of several, `builtin://` takes the file of that name.
      const [kept, left] = other !== undefined && file !== `${name}.tgz` ? [other, listing] : [listing, other]
      byName.set(name, kept)
      if (left !== undefined) skipped.push({ file: left.path, reason: `${name} is in ${kept.path} already` })
    } catch (error) {
      if (!isArchiveError(error)) throw error
      skipped.push({ file: path, reason: error.message.slice(error.archive.length + 2) })
    }
  }
  return { found: [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), skipped }
}

async function filesOf(folder: string, skipped: { file: string; reason: string }[]): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries
      .filter(entry => !entry.isDirectory() && CANDIDATE.test(entry.name))
      .map(entry => entry.name)
      .sort()
  } catch (error) {
    const reason = systemCode(error) === 'ENOENT' ? 'there is no such folder' : messageOf(error)
    skipped.push({ file: folder, reason })
    return []
  }
}
