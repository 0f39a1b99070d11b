import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { closest } from '@pulsar-io/sdk/core'
import { ArchiveError, systemCode } from './errors.ts'
import { listConnectors } from './list.ts'
import type { ArchiveReference } from './reference.ts'

/** Where an archive is. */
export type Location =
  | { readonly type: 'file'; readonly path: string }
  /** A folder with a `package.json`. */
  | { readonly type: 'folder'; readonly path: string }

/** Where to look. */
export interface Places {
  /** Absolute. Relative paths and installed packages are looked up from here. */
  readonly cwd: string
  /** Absolute. The folder of `builtin://`. */
  readonly connectorsDir: string
}

/** Installed packages may leave these out of their name. */
const PACKAGE_PREFIXES = ['@pulsar-io/connector-', 'pulsar-io-connector-']
const PACKAGE_NAME = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/

/**
 * Finds the file or folder that a reference means.
 *
 * @throws ArchiveError `PIO_ARCHIVE_NOT_FOUND`, with the absolute path and names that are near.
 */
export async function locate(reference: Exclude<ArchiveReference, { type: 'url' }>, places: Places): Promise<Location> {
  if (reference.type === 'builtin') return locateBuiltin(reference.name, places)
  const path = resolve(places.cwd, reference.path)
  const found = await typeOf(path)
  if (found === 'file') return { type: 'file', path }
  if (found === 'folder') return locateFolder(path)
  const installed = await locatePackage(reference.path, places)
  if (installed !== undefined) return { type: 'folder', path: installed }
  throw await notFound(reference.path, path, places)
}

async function locateBuiltin(name: string, places: Places): Promise<Location> {
  const path = join(places.connectorsDir, `${name}.tgz`)
  if ((await typeOf(path)) === 'file') return { type: 'file', path }
  // `npm pack` names archives otherwise; what counts is the name inside.
  const { found } = await listConnectors(places.connectorsDir)
  const listing = found.find(connector => connector.name === name)
  if (listing !== undefined) return { type: 'file', path: listing.path }
  const names = found.map(connector => connector.name)
  const near = closest(name, names)
  const hint = near === undefined ? '' : ` (did you mean builtin://${near}?)`
  const there =
    names.length === 0
      ? 'There is none in that folder; name another with --connectors-dir'
      : `There: ${names.join(', ')}`
  throw new ArchiveError(
    'PIO_ARCHIVE_NOT_FOUND',
    `builtin://${name}`,
    `no connector of that name in ${places.connectorsDir}${hint}. ${there}`,
  )
}

async function locateFolder(path: string): Promise<Location> {
  if ((await typeOf(join(path, 'package.json'))) === 'file') return { type: 'folder', path: await realpath(path) }
  throw new ArchiveError(
    'PIO_ARCHIVE_NOT_FOUND',
    path,
    `this is a folder without a package.json. Give a .tgz file${await nearFiles(path, '')}`,
  )
}

/** Looks in `node_modules` from `cwd` upwards, as Node.js does. */
async function locatePackage(name: string, places: Places): Promise<string | undefined> {
  if (!PACKAGE_NAME.test(name) || /\.(tgz|tar|gz|nar|jar|zip)$/.test(name)) return undefined
  const names = name.startsWith('@') ? [name] : [name, ...PACKAGE_PREFIXES.map(prefix => prefix + name)]
  for (let folder = places.cwd; ; folder = dirname(folder)) {
    for (const candidate of names) {
      const path = join(folder, 'node_modules', candidate)
      if (await isConnectorPackage(path)) return realpath(path)
    }
    if (dirname(folder) === folder) return undefined
  }
}

/** A package of the same name that is no connector must not be taken, for example the `file` of somebody. */
async function isConnectorPackage(path: string): Promise<boolean> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(path, 'package.json'), 'utf8'))
    return typeof manifest === 'object' && manifest !== null && 'pulsarIo' in manifest
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return false
    throw error
  }
}

async function notFound(reference: string, path: string, places: Places): Promise<ArchiveError> {
  const name = basename(reference)
  const looksLikePackage = PACKAGE_NAME.test(reference) && !/\.[a-z]+$/.test(reference)
  const packages = looksLikePackage
    ? `, nor is a connector package of that name installed (npm install ${reference.startsWith('@') ? reference : PACKAGE_PREFIXES[0] + reference})`
    : ''
  const builtin = looksLikePackage && (await typeOf(join(places.connectorsDir, `${reference}.tgz`))) === 'file'
  const hint = builtin ? `. Did you mean builtin://${reference}?` : await nearFiles(dirname(path), name)
  return new ArchiveError('PIO_ARCHIVE_NOT_FOUND', path, `there is no such file${packages}${hint}`)
}

/** What is in a folder instead. */
async function nearFiles(folder: string, name: string): Promise<string> {
  let archives: string[]
  try {
    archives = (await readdir(folder)).filter(file => file.endsWith('.tgz')).sort()
  } catch (error) {
    return systemCode(error) === 'ENOENT'
      ? `; the folder ${folder} does not exist either`
      : `; ${folder} cannot be read`
  }
  const near = name === '' ? undefined : closest(name, archives)
  if (near !== undefined) return `; did you mean ${near}?`
  if (archives.length === 0) return `; there is no .tgz file in ${folder}. Run pnpm pack:connectors, or download one`
  return `; there: ${archives.slice(0, 10).join(', ')}${archives.length > 10 ? `, and ${archives.length - 10} more` : ''}`
}

async function typeOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    const found = await stat(path)
    return found.isDirectory() ? 'folder' : 'file'
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(systemCode(error) ?? '')) return undefined
    throw error
  }
}
