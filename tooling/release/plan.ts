import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { publishedPackages } from '../check/workspace.ts'

/** A package that the next release publishes. */
export interface Release {
  readonly name: string
  readonly kind: 'package' | 'connector'
  /** Name of the folder. */
  readonly folder: string
  readonly bump: string
  readonly from: string
  readonly to: string
  /** What users are told, one per changeset; none for a package that only follows another. */
  readonly summaries: readonly string[]
}

/** What `changeset status --output` writes, as far as it is needed. */
interface Status {
  readonly changesets: readonly { readonly id: string; readonly summary: string }[]
  readonly releases: readonly {
    readonly name: string
    readonly type: string
    readonly oldVersion: string
    readonly newVersion: string
    readonly changesets: readonly string[]
  }[]
}

/** What the changesets of the repository ask for: each package moves on its own. */
export async function releasePlan(root: string): Promise<readonly Release[]> {
  return planOf(await changesetStatus(root), await publishedPackages())
}

/** Throws an Error that names every package without a folder. */
export function planOf(
  { changesets, releases }: Status,
  packages: readonly { readonly kind: Release['kind']; readonly folder: string; readonly json: { name?: string } }[],
): readonly Release[] {
  const byName = new Map(packages.map(each => [each.json.name, each]))
  const moving = releases.filter(({ type }) => type !== 'none')
  const unknown = moving.filter(({ name }) => !byName.has(name)).map(({ name }) => name)
  if (unknown.length > 0) throw new Error(`changesets name packages that are not published: ${unknown.join(', ')}`)
  const summaries = new Map(changesets.map(({ id, summary }) => [id, summary]))
  return moving
    .map(({ name, type, oldVersion, newVersion, changesets: ids }) => ({
      name,
      kind: byName.get(name)?.kind ?? 'package',
      folder: byName.get(name)?.folder ?? '',
      bump: type,
      from: oldVersion,
      to: newVersion,
      summaries: ids.map(id => summaries.get(id) ?? '').filter(summary => summary !== ''),
    }))
    .sort((a, b) => (a.kind === b.kind ? (a.name < b.name ? -1 : 1) : a.kind === 'package' ? -1 : 1))
}

/** How a package gets to the registry: a connector as the very archive that the runtime loads, a package by pnpm. */
export function publishCommand({ kind, folder }: Pick<Release, 'kind' | 'folder'>): readonly string[] {
  return kind === 'connector'
    ? ['npm', 'publish', `connectors/${folder}.tgz`, '--access', 'public']
    : ['pnpm', '--dir', `packages/${folder}`, 'publish', '--access', 'public', '--no-git-checks']
}

async function changesetStatus(root: string): Promise<Status> {
  // It takes a path from the folder of the repository only.
  const temp = await mkdtemp(join(root, 'node_modules/.cache-release-'))
  try {
    const output = join(temp, 'status.json')
    const command = join(root, 'node_modules/.bin/changeset')
    await promisify(execFile)(command, ['status', `--output=${relative(root, output)}`], { cwd: root })
    return JSON.parse(await readFile(output, 'utf8')) as Status
  } finally {
    await rm(temp, { recursive: true, force: true })
  }
}
