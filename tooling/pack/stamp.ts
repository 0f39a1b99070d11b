import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { version as esbuildVersion } from 'esbuild'
import type { PackedConnector } from './pack-connector.ts'
import { provenanceOf } from './provenance.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const STAMPS = join(ROOT, 'node_modules/.cache/pulsar-io-pack')

/** What an archive was made from, kept beside the installed packages, where git does not look. */
interface Stamp {
  readonly packed: Omit<PackedConnector, 'inputs' | 'warnings'>
  /** sha256 by absolute path; empty for a file that was not there. */
  readonly inputs: { readonly [path: string]: string }
  /** Absolute paths of what the archive names a commit of: the same files may have been committed since. */
  readonly sources: readonly string[]
}

/** The archive that is there already, when it is what packing would make again. */
export async function unchanged(name: string, folder: string, outFile: string): Promise<PackedConnector | undefined> {
  const text = await read(join(STAMPS, `${name}.json`))
  const archive = await read(outFile)
  if (text === undefined || archive === undefined) return undefined
  const stamp = parse(text.toString('utf8'))
  if (stamp === undefined) return undefined
  const { packed, inputs } = stamp
  if (packed.path !== outFile || packed.sha256 !== sha256(archive)) return undefined
  const now = await hashAll(Object.keys(inputs))
  const tools = await toolFiles()
  const provenance = await provenanceOf(folder, stamp.sources)
  if (JSON.stringify(provenance) !== JSON.stringify(packed.provenance)) return undefined
  const same = Object.entries(inputs).every(([path, sum]) => now[path] === sum) && tools.every(path => path in inputs)
  return same ? { ...packed, inputs: stamp.sources, warnings: [] } : undefined
}

function parse(text: string): Stamp | undefined {
  try {
    const stamp = JSON.parse(text) as Partial<Stamp>
    // One of an older packer says less.
    return stamp.sources === undefined ? undefined : (stamp as Stamp)
  } catch {
    // Cut off while it was written: pack again.
    return undefined
  }
}

/** Remembers what an archive was made from. One that came with warnings is made again, so that they are seen again. */
export async function remember(name: string, folder: string, packed: PackedConnector): Promise<void> {
  const { inputs, warnings, ...facts } = packed
  if (warnings.length > 0) return
  // Files that packing looks for belong to it also when they are not there.
  const all = [...inputs, join(folder, 'README.md'), join(folder, 'LICENSE'), ...(await toolFiles())]
  const stamp: Stamp = { packed: facts, inputs: await hashAll(all), sources: inputs }
  const path = join(STAMPS, `${name}.json`)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, JSON.stringify(stamp))
}

/** The packer itself, the checks it runs and what is installed. The versions are in the names of what is hashed. */
async function toolFiles(): Promise<string[]> {
  const folders = [import.meta.dirname, join(ROOT, 'packages/engine/src/archive')]
  const sources = await Promise.all(folders.map(async dir => (await readdir(dir)).map(name => join(dir, name))))
  const others = [join(ROOT, 'tooling/esbuild.ts'), join(ROOT, 'pnpm-lock.yaml')]
  return [...sources.flat(), ...others, `node ${process.version}`, `esbuild ${esbuildVersion}`]
}

async function hashAll(paths: readonly string[]): Promise<{ [path: string]: string }> {
  const hashed = await Promise.all(
    paths.map(async path => {
      const bytes = await read(path)
      return [path, bytes === undefined ? '' : sha256(bytes)] as const
    }),
  )
  return Object.fromEntries(hashed)
}

async function read(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
