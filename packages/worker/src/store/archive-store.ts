import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyValueStore } from '@pulsar-io/messaging'
import { z } from 'zod'

/** Bytes of one piece: a write of the store, and a message of a cluster, has to hold it. */
const PIECE_BYTES = 1024 * 1024

const markerSchema = z.object({ size: z.int().min(0), pieces: z.int().min(0), storedAt: z.number() })

/**
 * Archives that were uploaded, durable in the messaging system, by the sha256 of their bytes. One is cut into pieces;
 * a marker behind them says that it is whole. The store is open only while it is used, since a driver may hold all of
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
      if ((await marker(store, sha256)) !== undefined) return
      let pieces = 0
      for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
        await store.put(pieceKey(sha256, pieces), bytes.subarray(at, at + PIECE_BYTES))
        pieces++
      }
      const whole = { size: bytes.byteLength, pieces, storedAt: Date.now() }
      await store.put(markerKey(sha256), Buffer.from(JSON.stringify(whole)))
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
      const gone = new Set<string>()
      // The marker goes first: pieces without it are nothing.
      for (const [key] of await store.entries('archive/')) {
        const sha256 = key.slice('archive/'.length)
        if (used.has(sha256)) continue
        await store.delete(key)
        gone.add(sha256)
      }
      for (const [key] of await store.entries('piece/')) {
        const sha256 = key.split('/')[1] ?? ''
        if (used.has(sha256)) continue
        await store.delete(key)
        gone.add(sha256)
      }
      for (const sha256 of gone) await rm(this.#path(sha256), { force: true })
      return [...gone]
    })
  }

  async #fetch(sha256: string): Promise<string> {
    const path = this.#path(sha256)
    if (await isWhole(path, sha256)) return path
    await this.#use(async store => {
      const whole = await marker(store, sha256)
      if (whole === undefined) {
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

async function marker(store: KeyValueStore, sha256: string): Promise<z.output<typeof markerSchema> | undefined> {
  const bytes = await store.get(markerKey(sha256))
  return bytes === undefined ? undefined : markerSchema.parse(JSON.parse(Buffer.from(bytes).toString()))
}

function markerKey(sha256: string): string {
  return `archive/${sha256}`
}

function pieceKey(sha256: string, n: number): string {
  return `piece/${sha256}/${n}`
}
