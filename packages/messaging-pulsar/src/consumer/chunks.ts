import type { EntryMetadata } from '../wire/metadata.ts'

/** Place of an entry. */
export interface EntryId {
  readonly ledgerId: bigint
  readonly entryId: bigint
}

interface Assembly {
  readonly parts: Buffer[]
  readonly ids: EntryId[]
  bytes: number
}

/** A message whose chunks are all there. */
export interface Assembled {
  readonly payload: Buffer
  /** Of the chunks before the last one. */
  readonly earlier: readonly EntryId[]
}

const MAX_ASSEMBLIES = 10

/** Puts the chunks of large messages together. */
export class ChunkAssembler {
  private readonly open = new Map<string, Assembly>()
  private readonly report: (error: unknown) => void

  constructor(report: (error: unknown) => void) {
    this.report = report
  }

  /** Takes a chunk; the whole message with its last one. Chunks come in order; one out of order is passed over. */
  add(id: EntryId, metadata: EntryMetadata, chunk: Buffer): Assembled | undefined {
    const { uuid = '', chunkId, chunks, chunkedSize } = metadata
    if (chunkId === 0) {
      this.open.delete(uuid)
      if (this.open.size >= MAX_ASSEMBLIES) this.dropOldest()
      this.open.set(uuid, { parts: [], ids: [], bytes: 0 })
    }
    const assembly = this.open.get(uuid)
    if (assembly === undefined || assembly.parts.length !== chunkId) {
      // The second half of a message that began before this consumer did, or a chunk that came again.
      if (assembly === undefined && chunkId > 0)
        this.report(new Error(`chunk ${chunkId} of ${uuid} came without those before it`))
      return undefined
    }
    // A copy: the frame would be kept whole for its part of a message that may take long to come.
    assembly.parts.push(Buffer.from(chunk))
    assembly.bytes += chunk.length
    if (chunkId < chunks - 1) {
      assembly.ids.push(id)
      return undefined
    }
    this.open.delete(uuid)
    if (assembly.bytes !== chunkedSize) {
      this.report(new Error(`the chunks of ${uuid} have ${assembly.bytes} bytes instead of ${chunkedSize}`))
      return undefined
    }
    return { payload: Buffer.concat(assembly.parts), earlier: assembly.ids }
  }

  clear(): void {
    this.open.clear()
  }

  private dropOldest(): void {
    const [oldest] = this.open.keys()
    if (oldest === undefined) return
    this.open.delete(oldest)
    this.report(
      new Error(`more than ${MAX_ASSEMBLIES} chunked messages at once: ${oldest} is given up until it comes again`),
    )
  }
}
