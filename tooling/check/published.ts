import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData, type Problem, type ResolutionKind } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { packConnector } from '../pack/pack-connector.ts'
import { type Finding, ROOT, shown, type WorkspacePackage } from './workspace.ts'

/** All packages are modules only: how `require` and the oldest resolution see them does not count. */
const RESOLUTIONS: readonly ResolutionKind[] = ['node16-esm', 'bundler']

/** Checks every package as it would be published: its manifest by publint, its types by attw. */
export async function checkPublished(packages: readonly WorkspacePackage[], temp: string): Promise<Finding[]> {
  await promisify(execFile)('pnpm', ['-r', '--filter', './packages/*', 'pack', '--pack-destination', temp], {
    cwd: ROOT,
  })
  const findings: Finding[] = []
  for (const each of packages) {
    const where = shown(each.dir)
    try {
      const tarball = each.kind === 'connector' ? await packedConnector(each, temp) : await packedPackage(each, temp)
      const problems = [...(await lint(tarball)), ...(each.kind === 'package' ? await checkTypes(tarball) : [])]
      findings.push(...problems.map(problem => ({ where, problem })))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      findings.push(...reason.split('\n').map(line => ({ where, problem: `cannot be packed: ${line}` })))
    }
  }
  return findings
}

async function packedPackage({ json }: WorkspacePackage, temp: string): Promise<Uint8Array> {
  const name = (json.name ?? '').replace('@', '').replace('/', '-')
  return readFile(join(temp, `${name}-${json.version}.tgz`))
}

/** A connector is published as its archive. It has no types: nobody imports it but the runtime. */
async function packedConnector({ dir, folder }: WorkspacePackage, temp: string): Promise<Uint8Array> {
  const path = join(temp, `${folder}.tgz`)
  await packConnector(dir, path)
  return readFile(path)
}

async function lint(tarball: Uint8Array): Promise<string[]> {
  const bytes = new Uint8Array(tarball).buffer
  const { messages, pkg } = await publint({ pack: { tarball: bytes }, level: 'warning', strict: true })
  return messages.map(message => `publint: ${formatMessage(message, pkg ?? {}, { color: false })}`)
}

async function checkTypes(tarball: Uint8Array): Promise<string[]> {
  const result = await checkPackage(createPackageFromTarballData(tarball))
  if (result.types === false) return ['attw: the package has no types']
  return result.problems.filter(counts).map(problem => `attw: ${describe(problem)}`)
}

function counts(problem: Problem): boolean {
  if ('resolutionKind' in problem) return RESOLUTIONS.includes(problem.resolutionKind)
  if ('resolutionOption' in problem) return problem.resolutionOption !== 'node10'
  return true
}

function describe(problem: Problem): string {
  const { kind, ...details } = problem
  const shownDetails = Object.entries(details).filter(([, value]) => typeof value === 'string')
  return `${kind} (${shownDetails.map(([key, value]) => `${key} ${value}`).join(', ')})`
}
