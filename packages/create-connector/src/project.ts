import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { API_LEVEL, type ConnectorKind } from '@pulsar-io/sdk'
import { constant, pascal, title } from './name.ts'

/** Where a connector is to live: in this repository, or in a folder of its own. */
export type Home =
  | { readonly type: 'workspace'; readonly root: string }
  | { readonly type: 'alone'; readonly versions: { readonly [packageName: string]: string }; readonly license: string }

/** The files of a new connector, by path from the folder that `home` is about. */
export async function projectFiles(
  templates: string,
  kind: ConnectorKind,
  name: string,
  home: Home,
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  const below = home.type === 'workspace' ? `connectors/${name}/` : ''
  for (const path of await filesBelow(join(templates, kind)))
    files.set(below + path, renamed(await readFile(join(templates, kind, path), 'utf8'), name))
  const add = (path: string, content: object | string) =>
    files.set(path, typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`)
  if (home.type === 'workspace') {
    add(`${below}package.json`, workspacePackage(kind, name))
    add(`${below}tsconfig.json`, WORKSPACE_TSCONFIG)
    add(`.changeset/${name}-first.md`, changeset(kind, name))
    return files
  }
  add('package.json', alonePackage(kind, name, home.versions))
  add('tsconfig.json', ALONE_TSCONFIG)
  add('LICENSE', home.license)
  add('.gitignore', 'node_modules/\n*.tgz\n')
  return files
}

/** Writes files that are not there yet. Throws an EEXIST error rather than to overwrite one. */
export async function writeProject(root: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text, { flag: 'wx' })
  }
}

function renamed(text: string, name: string): string {
  return text
    .replaceAll('my-system', name)
    .replaceAll('MySystem', pascal(name))
    .replaceAll('MY_SYSTEM', constant(name))
    .replaceAll('My system', title(name))
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
}

function description(kind: ConnectorKind, name: string): string {
  return kind === 'sink'
    ? `Writes Pulsar records into ${title(name)}.`
    : `Reads records from ${title(name)} into Pulsar.`
}

const ENGINES = { node: '>=22.22.0' }

function workspacePackage(kind: ConnectorKind, name: string): object {
  const dist = { types: './dist/index.d.ts', default: './dist/index.js' }
  return {
    name: `@pulsar-io/connector-${name}`,
    version: '0.0.0',
    description: description(kind, name),
    license: 'Apache-2.0',
    type: 'module',
    repository: { type: 'git', directory: `connectors/${name}` },
    engines: ENGINES,
    exports: { '.': { 'pulsar-io-source': './src/index.ts', ...dist } },
    publishConfig: { access: 'public', exports: { '.': dist } },
    devDependencies: { '@pulsar-io/sdk': 'workspace:^', '@pulsar-io/testkit': 'workspace:^', zod: 'catalog:' },
    pulsarIo: { apiLevel: API_LEVEL },
  }
}

const WORKSPACE_TSCONFIG = {
  extends: '../../tooling/tsconfig/package.json',
  compilerOptions: { rootDir: 'src', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo' },
  include: ['src'],
  references: [{ path: '../../packages/sdk' }],
}

function changeset(kind: ConnectorKind, name: string): string {
  const what = kind === 'sink' ? `Sink for ${title(name)}.` : `Source for ${title(name)}.`
  return `---\n'@pulsar-io/connector-${name}': minor\n---\n\n${what}\n`
}

function alonePackage(kind: ConnectorKind, name: string, versions: { readonly [packageName: string]: string }): object {
  return {
    name: `pulsar-io-connector-${name}`,
    version: '0.1.0',
    description: description(kind, name),
    license: 'Apache-2.0',
    type: 'module',
    engines: ENGINES,
    exports: { '.': './src/index.ts' },
    scripts: {
      check: 'tsc --noEmit',
      test: 'vitest run',
      pack: 'pulsar-connector pack',
      validate: `runtime connectors validate ${name}.tgz`,
    },
    devDependencies: Object.fromEntries(Object.entries(versions).sort(([a], [b]) => (a < b ? -1 : 1))),
    pulsarIo: { apiLevel: API_LEVEL },
  }
}

const ALONE_TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2024'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ['src', 'test'],
}
