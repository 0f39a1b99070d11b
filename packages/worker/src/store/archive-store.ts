import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyValueStore } from '@pulsar-io/messaging'
import * as z from 'zod'

/** Bytes of one piece: a write of the store, and a message of a cluster, has to hold it. */
const PIECE_BYTES = 1024 * 1024

const markerSchema = z.object({
  size: z.int().min(0),
  pieces: z.int().min(0),
  /** False while the pieces come or go. */
  complete: z.boolean(),
  storedAt: z.number(),
})
type Marker = z.output<typeof markerSchema>

/**
 * Archives that were uploaded, durable in the messaging system, by the sha256 of their bytes. One is cut into pieces;
 * a marker says how many there are, and whether all of them are there. The store is open only while it is used, since a driver may hold all of
 * it in memory.
 */
export class ArchiveStore {
  readonly #open: () => Promise<KeyValueStore>
  readonly #folder: string
  #turn: Promise<unknown> = Promise.resolve()
  readonly #fetching = new Map<string, Promise<string>>()

  /**
   * @param open opens the store
   * @param folder where archives are kept as files, for this worker to run
   */
  constructor(open: () => Promise<KeyValueStore>, folder: string) {
    this.#open = open
    this.#folder = folder
  }

  /** Stores an archive; nothing happens when it is there. */
  async put(sha256: string, bytes: Uint8Array): Promise<void> {
    await this.#use(async store => {
      if ((await marker(store, sha256))?.complete === true) return
      const whole: Marker = {
        size: bytes.byteLength,
        pieces: Math.ceil(bytes.byteLength / PIECE_BYTES),
        complete: true,
        storedAt: Date.now(),
      }
      // First of all, so that what a kill leaves is found again.
      await mark(store, sha256, { ...whole, complete: false })
      for (let n = 0; n < whole.pieces; n++) {
        await store.put(pieceKey(sha256, n), bytes.subarray(n * PIECE_BYTES, (n + 1) * PIECE_BYTES))
      }
      await mark(store, sha256, whole)
    })
  }

  /** The path of an archive as a file, fetched from the store when it is not here yet. Rejects when it is nowhere. */
  file(sha256: string): Promise<string> {
    const known = this.#fetching.get(sha256)
    if (known !== undefined) return known
    const fetching = this.#fetch(sha256).finally(() => this.#fetching.delete(sha256))
    this.#fetching.set(sha256, fetching)
    return fetching
  }

  /** Takes away what none of `used` names, here and in the store; what a killed upload left, too. */
  async collect(used: ReadonlySet<string>): Promise<readonly string[]> {
    return this.#use(async store => {
      const gone: string[] = []
      for (const [key, bytes] of await store.entries('archive/')) {
        const sha256 = key.slice('archive/'.length)
        if (used.has(sha256)) continue
        const left = markerOf(bytes)
        await mark(store, sha256, { ...left, complete: false })
        for (let n = 0; n < left.pieces; n++) await store.delete(pieceKey(sha256, n))
        await store.delete(key)
        gone.push(sha256)
      }
      for (const sha256 of gone) await rm(this.#path(sha256), { force: true })
      return gone
    })
  }

  async #fetch(sha256: string): Promise<string> {
    const path = this.#path(sha256)
    if (await isWhole(path, sha256)) return path
    await this.#use(async store => {
      const whole = await marker(store, sha256)
      if (whole?.complete !== true) {
        throw new Error(`the archive ${sha256} is not in the store; update the connector with its archive again`)
      }
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      const temp = `${path}.${process.pid}-${Date.now()}.tmp`
      try {
        await writePieces(temp, whole.pieces, n => store.get(pieceKey(sha256, n)))
        if (!(await isWhole(temp, sha256))) {
          throw new Error(`the archive ${sha256} is damaged in the store; update the connector with its archive again`)
        }
        await rename(temp, path)
      } finally {
        await rm(temp, { force: true })
      }
    })
    return path
  }

  #path(sha256: string): string {
    return join(this.#folder, `${sha256}.tgz`)
  }

  /** One user at a time: a collection must not pass an upload. */
  #use<T>(work: (store: KeyValueStore) => Promise<T>): Promise<T> {
    const turn = this.#turn
      // How the one before ended is its caller's affair.
      .catch(() => undefined)
      .then(async () => {
        const store = await this.#open()
        try {
          return await work(store)
        } finally {
          await store.close()
        }
      })
    this.#turn = turn
    return turn
  }
}

async function writePieces(
  path: string,
  pieces: number,
  piece: (n: number) => Promise<Uint8Array | undefined>,
): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    for (let n = 0; n < pieces; n++) {
      const bytes = await piece(n)
      if (bytes !== undefined) await file.write(bytes)
    }
  } finally {
    await file.close()
  }
}

async function isWhole(path: string, sha256: string): Promise<boolean> {
  try {
    return (
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex') === sha256
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function marker(store: KeyValueStore, sha256: string): Promise<Marker | undefined> {
  const bytes = await store.get(markerKey(sha256))
  return bytes === undefined ? undefined : markerOf(bytes)
}

function markerOf(bytes: Uint8Array): Marker {
  return markerSchema.parse(JSON.parse(Buffer.from(bytes).toString()))
}

function mark(store: KeyValueStore, sha256: string, made: Marker): Promise<void> {
  return store.put(markerKey(sha256), Buffer.from(JSON.stringify(made)))
}

function markerKey(sha256: string): string {
  return `archive/${sha256}`
}

function pieceKey(sha256: string, n: number): string {
  return `piece/${sha256}/${n}`
}
