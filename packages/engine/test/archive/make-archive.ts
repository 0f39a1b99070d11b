import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Header, type HeaderData } from 'tar/header'

/** One entry of a tar, written as it is, however hostile. */
export type Entry = HeaderData & { readonly path: string; readonly content?: string | Uint8Array }

const BLOCK = 512

/** The bytes of one entry. */
export function encodeEntry({ content = '', ...data }: Entry): Buffer {
  const body = Buffer.from(content)
  const head = Buffer.alloc(BLOCK)
  const header = new Header({ mode: 0o644, mtime: new Date(0), size: body.length, type: 'File', ...data })
  header.encode(head, 0)
  return Buffer.concat([head, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)])
}

/** A gzipped tar of these entries. */
export function tgz(entries: readonly Entry[]): Buffer {
  return gzipSync(Buffer.concat([...entries.map(encodeEntry), Buffer.alloc(2 * BLOCK)]))
}

/** The entry module of a connector, without any SDK. */
export function moduleText(name = 'tiny', extra = ''): string {
  return `${extra}
export default {
  kind: 'sink', apiLevel: 1, name: '${name}', summary: 'Does nothing.', delivery: 'at-least-once', settles: 'write',
  batched: false, batchPolicy: () => ({}), parse: config => ({ ok: true, config }), jsonSchema: () => ({}),
  create: () => ({ open() {}, write() {}, close() {} }),
}
`
}

/** What differs from a well-formed connector. */
export interface Variation {
  /** Replaces or adds files by path inside the package; the manifest lists them. */
  readonly files?: { readonly [path: string]: string | Uint8Array }
  /** Replaces fields of the manifest. */
  readonly manifest?: { readonly [field: string]: unknown }
  /** Entries that the manifest says nothing of, after all others. */
  readonly extra?: readonly Entry[]
}

/** The entries of a small connector, well-formed but for the variation. */
export function connectorEntries(variation: Variation = {}): Entry[] {
  const packageJson = { name: 'pulsar-io-connector-tiny', version: '1.0.0', type: 'module', pulsarIo: { apiLevel: 1 } }
  const files: { [path: string]: string | Uint8Array } = {
    'package.json': JSON.stringify(packageJson),
    'dist/index.js': moduleText(),
    ...variation.files,
  }
  const manifest = {
    manifestVersion: 1,
    name: 'tiny',
    version: '1.0.0',
    description: 'Does nothing.',
    apiLevel: 1,
    kinds: ['sink'],
    entry: 'dist/index.js',
    sink: { export: 'default', summary: 'Does nothing.', configSchema: {}, delivery: 'at-least-once' },
    files: Object.fromEntries(Object.entries(files).map(([path, content]) => [path, sha256(Buffer.from(content))])),
    ...variation.manifest,
  }
  return [
    { path: 'package/pulsar-io.json', content: JSON.stringify(manifest) },
    ...Object.entries(files).map(([path, content]) => ({ path: `package/${path}`, content })),
    ...(variation.extra ?? []),
  ]
}

/** A small connector as an archive. */
export function connectorTgz(variation: Variation = {}): Buffer {
  return tgz(connectorEntries(variation))
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A temporary folder with a cache folder in it; nothing of the repository is near. */
export class Bench {
  readonly dir: string
  readonly cacheDir: string

  static async create(): Promise<Bench> {
    return new Bench(await mkdtemp(join(tmpdir(), 'pulsar-io-archive-')))
  }

  private constructor(dir: string) {
    this.dir = dir
    this.cacheDir = join(dir, 'cache')
  }

  /** Writes a file and returns its path. */
  async write(name: string, bytes: string | Uint8Array): Promise<string> {
    const path = join(this.dir, name)
    await writeFile(path, bytes)
    return path
  }

  /** What is in the cache folder, nothing when there is none. */
  async cached(): Promise<string[]> {
    return readdir(this.cacheDir).catch(() => [])
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true })
  }
}
