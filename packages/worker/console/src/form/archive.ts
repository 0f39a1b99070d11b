import type { Kind, Schema } from '../api/types.ts'

/** What an archive says of itself. */
export interface ArchiveFacts {
  readonly name: string
  readonly version: string
  readonly description: string
  /** The options of what it has, by kind. */
  readonly schemas: { readonly [kind in Kind]?: Schema }
}

const MANIFEST = 'package/pulsar-io.json'
const BLOCK = 512
/** Bytes that are passed over at a time. */
const PIECE = 64 * 1024
/** Bytes behind which nobody looks for a manifest any more, and that one has at most. */
const MOST_BYTES = 64 * 1024 * 1024
const MOST_MANIFEST = 4 * 1024 * 1024

/**
 * Reads the manifest of a connector's archive, so that there can be a form before anything is sent. The worker checks
 * archives, and all of them; this only finds out which options to ask for. Rejects with what is wrong with the file.
 */
export async function readArchive(file: Blob): Promise<ArchiveFacts> {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer())
  if (first === 0x50 && second === 0x4b)
    throw new Error('this is a zip file, such as a NAR of Java; connectors for this worker are .tgz files')
  if (first !== 0x1f || second !== 0x8b) throw new Error('this is no connector: not a gzipped tar archive (.tgz)')
  const bytes = byteReader(file.stream().pipeThrough(new DecompressionStream('gzip')))
  try {
    return factsOf(new TextDecoder().decode(await manifestIn(bytes)))
  } finally {
    await bytes.close()
  }
}

/** What a form is about. */
export interface Described {
  /** Which connector, where nothing else on the page says it. */
  readonly title?: string
  readonly schema: Schema
}

/** What an archive has of a kind. Rejects, saying so, where it has none. */
export async function describedBy(file: File, kind: Kind): Promise<Described> {
  const { name, version, description, schemas } = await readArchive(file)
  const schema = schemas[kind]
  if (schema !== undefined) return { title: `${name} ${version}: ${description}`, schema }
  throw new Error(`${file.name}: ${name} ${version} has no ${kind}, but a ${Object.keys(schemas).join(' and a ')}`)
}

interface ByteReader {
  /** So many bytes. Rejects when there are not as many. */
  take(count: number): Promise<Uint8Array>
  close(): Promise<void>
}

function byteReader(stream: ReadableStream<Uint8Array>): ByteReader {
  const reader = stream.getReader()
  let rest = new Uint8Array(0)
  return {
    async take(count) {
      const parts = [rest]
      for (let size = rest.length; size < count; ) {
        const { value } = await reader.read().catch(() => ({ value: undefined }))
        if (value === undefined) throw new Error('this is no connector: the archive is damaged or cut off')
        parts.push(new Uint8Array(value))
        size += value.length
      }
      const all = joined(parts)
      rest = all.slice(count)
      return all.subarray(0, count)
    },
    // What is behind the manifest is not of interest, nor that it may be damaged.
    close: () => reader.cancel().catch(() => undefined),
  }
}

/** The bytes of the manifest's entry. */
async function manifestIn(bytes: ByteReader): Promise<Uint8Array> {
  for (let seen = 0; seen < MOST_BYTES; ) {
    const header = await bytes.take(BLOCK)
    const path = text(header, 0, 100)
    if (path === '') break
    const size = Number.parseInt(text(header, 124, 12), 8) || 0
    const padded = Math.ceil(size / BLOCK) * BLOCK
    if (path === MANIFEST && size <= MOST_MANIFEST) return (await bytes.take(padded)).subarray(0, size)
    for (let left = padded; left > 0; left -= PIECE) await bytes.take(Math.min(left, PIECE))
    seen += BLOCK + padded
  }
  throw new Error('this is no connector: the archive has no pulsar-io.json')
}

function factsOf(json: string): ArchiveFacts {
  const { name, version, description, sink, source } = parsed(json)
  const schemas = Object.fromEntries(
    Object.entries({ sink, source }).flatMap(([kind, part]) =>
      part?.configSchema === undefined ? [] : [[kind, part.configSchema]],
    ),
  )
  return { name: String(name), version: String(version), description: String(description ?? ''), schemas }
}

interface Manifest {
  readonly name?: unknown
  readonly version?: unknown
  readonly description?: unknown
  readonly sink?: { readonly configSchema?: Schema }
  readonly source?: { readonly configSchema?: Schema }
}

function parsed(json: string): Manifest {
  try {
    return JSON.parse(json) as Manifest
  } catch (error) {
    throw new Error(`this is no connector: its pulsar-io.json is not JSON (${(error as Error).message})`)
  }
}

/** A field of a tar header: up to its first NUL. */
function text(header: Uint8Array, from: number, length: number): string {
  const field = header.subarray(from, from + length)
  const end = field.indexOf(0)
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
