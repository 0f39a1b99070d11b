import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Manifest } from '../../packages/sdk/src/index.ts'

/** What an archive was made from. */
export type Provenance = NonNullable<Manifest['provenance']>

const LOCKFILES = ['pnpm-lock.yaml', 'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'bun.lock']

/**
 * The last commit that touched one of the inputs, whether they differ from it, and the sha256 of the lockfile. The same
 * inputs give the same answer, whatever else was committed meanwhile.
 *
 * @param inputs Absolute paths; installed packages are what the lockfile is for.
 */
export async function provenanceOf(folder: string, inputs: readonly string[]): Promise<Provenance> {
  const own = inputs.filter(path => !path.replaceAll('\\', '/').includes('/node_modules/'))
  const lockfile = await lockfileSum(folder)
  return { ...(await gitState(folder, own)), ...(lockfile === undefined ? {} : { lockfile }) }
}

async function gitState(folder: string, paths: readonly string[]): Promise<Provenance> {
  try {
    const { stdout: top } = await git(folder, ['rev-parse', '--show-toplevel'])
    const inside = paths.filter(path => path.startsWith(`${top.trim()}/`) && existsSync(path))
    const { stdout: log } = await git(folder, ['log', '-1', '--format=%H', '--', ...inside])
    const commit = log.trim()
    if (commit === '') return {}
    const { stdout: changes } = await git(folder, ['status', '--porcelain', '--', ...inside])
    return { commit, ...(changes.trim() === '' ? {} : { modified: true }) }
  } catch {
    // No git, or no repository: then there is no commit to name.
    return {}
  }
}

function git(cwd: string, args: readonly string[]) {
  return promisify(execFile)('git', ['-c', 'core.fsmonitor=false', ...args], { cwd, maxBuffer: 64 * 1024 * 1024 })
}

async function lockfileSum(folder: string): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const found = LOCKFILES.map(name => join(at, name)).find(path => existsSync(path))
    if (found !== undefined)
      return createHash('sha256')
        .update(await readFile(found))
        .digest('hex')
    if (dirname(at) === at) return undefined
  }
}
