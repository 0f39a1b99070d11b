import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'

/** The folder of the repository. */
export const ROOT = resolve(import.meta.dirname, '../..')

/** One thing that is wrong: where, and what to do. */
export interface Finding {
  readonly where: string
  readonly problem: string
}

/** The fields of a `package.json` that the checks look at. */
export interface PackageJson {
  readonly name?: string
  readonly version?: string
  readonly description?: string
  readonly license?: string
  readonly private?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly pulsarIo?: { readonly apiLevel?: number }
}

/** A package that is published. */
export interface WorkspacePackage {
  readonly kind: 'package' | 'connector'
  /** The name of the folder. */
  readonly folder: string
  /** Absolute. */
  readonly dir: string
  readonly json: PackageJson
}

/** The packages of `packages/` and `connectors/` that are not private. */
export async function publishedPackages(): Promise<WorkspacePackage[]> {
  const found: WorkspacePackage[] = []
  for (const [kind, parent] of [
    ['package', 'packages'],
    ['connector', 'connectors'],
  ] as const) {
    const entries = await readdir(join(ROOT, parent), { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const dir = join(ROOT, parent, entry.name)
      if (!entry.isDirectory() || !existsSync(join(dir, 'package.json'))) continue
      const json: PackageJson = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))
      if (json.private !== true) found.push({ kind, folder: entry.name, dir, json })
    }
  }
  return found
}

/** All files below a folder with one of these endings, absolute and sorted; none when there is no such folder. */
export async function filesBelow(dir: string, ending: string): Promise<string[]> {
  if (!existsSync(dir)) return []
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile() && entry.name.endsWith(ending) && !entry.parentPath.includes('node_modules'))
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}

/** A path as it is shown: from the repository's folder on. */
export function shown(path: string): string {
  return relative(ROOT, path).replaceAll('\\', '/')
}
