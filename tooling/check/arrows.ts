import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Finding, filesBelow, shown, type WorkspacePackage } from './workspace.ts'

const SCOPE = '@pulsar-io/'

/**
 * What a package may import of the others: the arrows of the design. A package that is not listed here may import
 * nothing, so a new one has to be thought about.
 */
const ARROWS: { readonly [folder: string]: readonly string[] } = {
  sdk: [],
  schema: ['sdk'],
  messaging: ['sdk'],
  'messaging-embedded': ['messaging', 'sdk'],
  'messaging-pulsar': ['messaging', 'schema', 'sdk'],
  // Topics, readers and stores of the same cluster, which the addon leaves out (decision 0015).
  'messaging-native': ['messaging', 'messaging-pulsar', 'sdk'],
  // The engine loads a driver by the address of the broker.
  engine: ['messaging', 'messaging-embedded', 'messaging-pulsar', 'messaging-native', 'schema', 'sdk'],
  worker: ['engine', 'messaging', 'schema', 'sdk'],
  admin: ['sdk'],
  runtime: ['admin', 'engine', 'messaging', 'messaging-embedded', 'schema', 'sdk', 'worker'],
  testkit: ['messaging', 'sdk'],
  'create-connector': ['sdk'],
}

/** What a connector may import besides the SDK, where the system it connects to has its client here. */
const CLIENTS_OF: { readonly [connector: string]: readonly string[] } = {
  pulsar: ['messaging', 'messaging-pulsar'],
}

/** `from '…'`, `import '…'` and `import('…')`. */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g

/** Dependencies and imports that go against the arrows, or leave the package's folder. */
export async function checkArrows(packages: readonly WorkspacePackage[]): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const each of packages) {
    const allowed =
      each.kind === 'connector' ? ['sdk', ...(CLIENTS_OF[each.folder] ?? [])] : (ARROWS[each.folder] ?? [])
    const problemOf = (name: string): string | undefined => {
      if (!name.startsWith(SCOPE)) return undefined
      const [target = ''] = name.slice(SCOPE.length).split('/')
      if (target === each.folder && each.kind === 'package') return undefined
      if (target.startsWith('connector-'))
        return `imports ${name}; connectors are found by folder or archive, never imported`
      if (allowed.includes(target)) return undefined
      return `imports ${name}; it may import ${allowed.map(to => SCOPE + to).join(', ') || 'no other package'} (design: arrows)`
    }
    const { dependencies, peerDependencies, optionalDependencies } = each.json
    for (const name of Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })) {
      const problem = problemOf(name)
      if (problem) findings.push({ where: `${shown(each.dir)}/package.json`, problem })
    }
    findings.push(...(await checkImports(each, problemOf)))
  }
  return findings
}

async function checkImports(
  each: WorkspacePackage,
  problemOf: (name: string) => string | undefined,
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const file of await filesBelow(join(each.dir, 'src'), '.ts')) {
    for (const name of importsOf(await readFile(file, 'utf8'))) {
      const outside = name.startsWith('.') && !resolve(file, '..', name).startsWith(join(each.dir, 'src'))
      const problem = outside ? `imports ${name}, which is outside its package` : problemOf(name)
      if (problem) findings.push({ where: shown(file), problem })
    }
  }
  return findings
}

/** The modules that a source imports. */
export function importsOf(source: string): string[] {
  return [...source.matchAll(IMPORT)].map(match => match[1] ?? '')
}
