import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildManifest, findDefinitions, inspectArchive } from '../../packages/engine/src/archive/index.ts'
import type { Manifest } from '../../packages/sdk/src/index.ts'
import { type Bundle, bundleConnector, bundledFiles, inputsOf, readJson } from './bundle.ts'
import { packagesIn, thirdPartyLicenses } from './licenses.ts'
import { type Provenance, provenanceOf } from './provenance.ts'
import { SBOM_FILE, sbom } from './sbom.ts'
import { packTarball } from './tarball.ts'

/** An archive that was made. */
export interface PackedConnector {
  readonly name: string
  readonly version: string
  /** Absolute path of the archive. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** Hex. */
  readonly sha256: string
  readonly provenance: Provenance
  /** Absolute paths of all files it was made from. */
  readonly inputs: readonly string[]
  readonly warnings: readonly string[]
}

/** What a connector's `package.json` says, as far as packing needs it. */
interface PackageFacts {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly keywords?: readonly string[]
  readonly engines?: unknown
  readonly repository?: unknown
  readonly pulsarIo: {
    readonly apiLevel: number
    /**
     * Files that the code reads at run time, by their path in the package: `./` from the connector's folder, else from
     * an installed package, for example `{ "dist/codec.wasm": "some-codec/codec.wasm" }`. Those of packages that say
     * `new URL('./codec.wasm', import.meta.url)` are carried along by themselves.
     */
    readonly assets?: { readonly [path: string]: string }
  }
}

/**
 * Packs a connector's folder into an archive that the runtime loads and `npm publish` publishes. The same input makes
 * the same bytes. The result has passed every check of the runtime before it gets its name.
 *
 * @throws Error with every reason why the connector cannot be packed.
 */
export async function packConnector(folder: string, outFile: string): Promise<PackedConnector> {
  const root = resolve(folder)
  const out = resolve(outFile)
  const facts = await readFacts(root)
  const bundle = await bundleConnector(root)
  const temp = await mkdtemp(join(tmpdir(), 'pulsar-io-pack-'))
  try {
    const { files, inputs } = await collect(root, facts, bundle)
    const provenance = await provenanceOf(root, inputs)
    const described = await describe(root, facts, bundle, files, join(temp, 'load'))
    const manifest = { ...described, provenance }
    const first: [string, Uint8Array][] = [
      ['package.json', json(archivePackageJson(facts, bundle))],
      ['pulsar-io.json', json(manifest)],
    ]
    const rest = [...files].filter(([path]) => path !== 'package.json').sort(([a], [b]) => (a < b ? -1 : 1))
    const bytes = await packTarball(join(temp, 'stage'), new Map([...first, ...rest]))
    const packed = join(temp, basename(out))
    await writeFile(packed, bytes)
    const { sha256 = '' } = await inspectArchive(packed)
    await place(bytes, out)
    const { name, version } = manifest
    return { name, version, path: out, size: bytes.byteLength, sha256, provenance, inputs, warnings: bundle.warnings }
  } finally {
    await rm(temp, { recursive: true, force: true })
  }
}

async function readFacts(root: string): Promise<PackageFacts> {
  const facts = (await readJson(join(root, 'package.json'))) as Partial<PackageFacts>
  const problems: string[] = []
  for (const key of ['name', 'version', 'description', 'license'] as const) {
    if (typeof facts[key] !== 'string' || facts[key] === '') problems.push(`package.json: ${key} is missing`)
  }
  if (!Number.isInteger(facts.pulsarIo?.apiLevel)) problems.push('package.json: pulsarIo.apiLevel is missing')
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return facts as PackageFacts
}

/** All files of the package but `pulsar-io.json`. */
async function collect(root: string, facts: PackageFacts, bundle: Bundle) {
  const files = new Map<string, Uint8Array>(bundle.files)
  const inputs = [...inputsOf(root, bundle.metafile), ...bundle.carried, join(root, 'package.json')]
  files.set('package.json', json(archivePackageJson(facts, bundle)))
  const add = async (path: string, source: string) => {
    inputs.push(source)
    files.set(path, await readFile(source))
  }
  const readme = join(root, 'README.md')
  if (existsSync(readme)) await add('README.md', readme)
  await add('LICENSE', findUpwards(root, 'LICENSE'))
  const licenses = await thirdPartyLicenses(bundledFiles(root, bundle.metafile), bundle.legalComments)
  if (licenses !== '') files.set('THIRD-PARTY-LICENSES.txt', Buffer.from(licenses))
  files.set(SBOM_FILE, json(sbom(facts, await packagesIn(root, bundledFiles(root, bundle.metafile)))))
  const require = createRequire(join(root, 'package.json'))
  for (const [path, source] of Object.entries(facts.pulsarIo.assets ?? {})) {
    if (files.has(path)) throw new Error(`package.json: pulsarIo.assets must not replace ${path}`)
    await add(path, source.startsWith('./') ? join(root, source) : require.resolve(source))
  }
  return { files, inputs }
}

/** Loads the bundle where no `node_modules` is in sight, and writes down what it defines. */
async function describe(
  root: string,
  facts: PackageFacts,
  bundle: Bundle,
  files: ReadonlyMap<string, Uint8Array>,
  staging: string,
): Promise<Manifest> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(staging, path)), { recursive: true })
    await writeFile(join(staging, path), bytes)
  }
  const module: object = await import(pathToFileURL(join(staging, bundle.entry)).href)
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  const manifest = buildManifest(findDefinitions(module), {
    version: facts.version,
    description: facts.description,
    entry: bundle.entry,
    files: Object.fromEntries(sorted.map(([path, bytes]) => [path, createHash('sha256').update(bytes).digest('hex')])),
  })
  const problems: string[] = []
  const { name, apiLevel } = manifest
  if (name !== basename(root)) problems.push(`the definition is named ${name}, but the folder ${basename(root)}`)
  if (!facts.name.endsWith(`connector-${name}`)) {
    problems.push(`the package is named ${facts.name}, but has to end with connector-${name}`)
  }
  if (apiLevel !== facts.pulsarIo.apiLevel) {
    problems.push(`package.json: pulsarIo.apiLevel is ${facts.pulsarIo.apiLevel}, but the SDK has ${apiLevel}`)
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return manifest
}

/** What is published: everything is bundled, so nothing is depended on and nothing runs at installation. */
function archivePackageJson(facts: PackageFacts, bundle: Bundle): object {
  const { name, version, description, license, keywords, engines, repository } = facts
  return {
    name,
    version,
    description,
    ...(keywords && { keywords }),
    license,
    ...(hasUrl(repository) && { repository }),
    type: 'module',
    ...(engines !== undefined && { engines }),
    exports: {
      '.': `./${bundle.entry}`,
      './package.json': './package.json',
      './pulsar-io.json': './pulsar-io.json',
    },
    dependencies: {},
    pulsarIo: { apiLevel: facts.pulsarIo.apiLevel },
    publishConfig: { access: 'public' },
  }
}

function hasUrl(repository: unknown): boolean {
  return typeof repository === 'object' && repository !== null && 'url' in repository
}

function findUpwards(folder: string, name: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, name))) return join(at, name)
    if (dirname(at) === at) throw new Error(`there is no ${name} in ${folder} or above`)
  }
}

/** Somebody may be reading the archive that was there. */
async function place(bytes: Uint8Array, out: string): Promise<void> {
  await mkdir(dirname(out), { recursive: true })
  const temp = `${out}.${process.pid}.tmp`
  try {
    await writeFile(temp, bytes)
    await rename(temp, out)
  } finally {
    await rm(temp, { force: true })
  }
}

function json(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
}
