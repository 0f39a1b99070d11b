import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Manifest } from '@pulsar-io/sdk'
import { sha256Of } from './cache.ts'
import { type ArchiveFile, checkFiles } from './contents.ts'
import { buildManifest, findDefinitions } from './definitions.ts'
import { ArchiveError, messageOf, systemCode } from './errors.ts'
import { MANIFEST_FILE } from './format.ts'
import type { ArchiveLimits } from './limits.ts'
import { checkPackageJson, parseJson, parseManifest } from './manifest.ts'

/** A connector that is a folder: an installed package, or the folder that it is developed in. */
export interface FolderPackage {
  readonly archive: string
  readonly directory: string
  readonly manifest: Manifest
  readonly files: readonly ArchiveFile[]
}

/**
 * Opens a package folder. An installed package has a manifest and is checked against it like an archive; a folder
 * without one is a connector under development, whose manifest comes from its code.
 *
 * @throws ArchiveError when it is refused.
 */
export async function openFolder(path: string, limits: ArchiveLimits): Promise<FolderPackage> {
  const text = await readOptional(join(path, MANIFEST_FILE))
  if (text === undefined) return openDevelopment(path)
  const manifest = parseManifest(path, text.toString('utf8'))
  const files = await hashFiles(path, manifest, limits)
  checkFiles(path, manifest, files)
  checkPackageJson(path, manifest, await readFile(join(path, 'package.json'), 'utf8'))
  return { archive: path, directory: path, manifest, files }
}

/** Only listed files are looked at: npm and its users add folders of their own to an installed package. */
async function hashFiles(path: string, manifest: Manifest, limits: ArchiveLimits): Promise<ArchiveFile[]> {
  const listed = Object.keys(manifest.files)
  if (listed.length > limits.entries) {
    throw new ArchiveError('PIO_ARCHIVE_LIMIT', path, `its manifest lists more than ${limits.entries} files`)
  }
  const files: ArchiveFile[] = []
  for (const file of [...listed, MANIFEST_FILE].sort()) {
    const bytes = await readOptional(join(path, file))
    if (bytes !== undefined) files.push({ path: file, size: bytes.byteLength, sha256: sha256Of(bytes) })
  }
  return files
}

async function openDevelopment(path: string): Promise<FolderPackage> {
  const facts = parseJson(path, 'package.json', await readFile(join(path, 'package.json'), 'utf8')) as {
    name?: unknown
    version?: unknown
    description?: unknown
    pulsarIo?: unknown
  } | null
  if (facts?.pulsarIo === undefined || typeof facts.name !== 'string') {
    throw new ArchiveError(
      'PIO_ARCHIVE_MANIFEST',
      path,
      `it has neither ${MANIFEST_FILE} nor pulsarIo in package.json, so it is not a connector`,
    )
  }
  const entry = resolveEntry(path, facts.name)
  try {
    const module: object = await import(pathToFileURL(entry).href)
    const manifest = buildManifest(findDefinitions(module), {
      version: String(facts.version ?? '0.0.0'),
      description: String(facts.description ?? ''),
      entry: relative(path, entry).replaceAll(sep, '/'),
      files: {},
    })
    return { archive: path, directory: path, manifest, files: [] }
  } catch (error) {
    throw new ArchiveError(
      'PIO_ARCHIVE_LOAD',
      path,
      `it cannot be loaded from its folder (${messageOf(error)}). Build it, or pack it with pnpm pack:connectors`,
      {
        cause: error,
      },
    )
  }
}

/** Resolves the package by its own name, so that its exports and the conditions of this process decide. */
function resolveEntry(path: string, name: string): string {
  try {
    return createRequire(join(path, 'package.json')).resolve(name)
  } catch (error) {
    throw new ArchiveError(
      'PIO_ARCHIVE_INCOMPLETE',
      path,
      `it is not built (${messageOf(error).split('\n')[0]}). Run pnpm build, or pack it with pnpm pack:connectors`,
      {
        cause: error,
      },
    )
  }
}

async function readOptional(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemCode(error) ?? '')) return undefined
    throw error
  }
}
