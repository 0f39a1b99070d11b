import { mkdirSync } from 'node:fs'
import { isConnectorError } from '@pulsar-io/sdk/core'
import { type Database, open, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb'
import { checkDataFile, freeBytes, prepareDirectory, removeStaleVolatile, volatileDirectory } from './directory.ts'
import { closedError, diskFullError, formatError, storageError } from './errors.ts'
import { Gate } from './gate.ts'

/** Version of everything that is stored; another one is refused. */
const FORMAT = 1

type Key = string | number | (string | number)[]

/** Values are bytes; the version of a record is what conditional writes compare. */
export type Records = Database<Buffer, Key>
export type Json = Database<unknown, Key>
export type Entries = Database<Buffer, Buffer>

/** A record with its version. */
export interface Versioned<T> {
  readonly value: T
  readonly version: number
}

/**
 * The two lmdb environments of a directory, as one thread sees them.
 *
 * All writes are conditional writes (`ifVersion`) that lmdb's own thread executes: no JavaScript runs while the write
 * lock, which all processes share, is held. So a busy event loop delays nobody else, and a worker thread that is
 * terminated in mid-write leaves no lock behind.
 *
 * `durable` commits with fsync before anything is visible; what can be read has survived a power failure. `volatile`
 * holds who holds what, is never synced, and belongs to one boot of the machine.
 */
export class Environment {
  readonly directory: string
  readonly meta: Json
  readonly topics: Json
  readonly settings: Json
  readonly heads: Records
  readonly tails: Records
  readonly entries: Entries
  readonly cursors: Records
  readonly sequences: Records
  readonly pairs: Records
  readonly sessions: Json
  readonly registry: Json
  readonly dispatch: Records
  readonly producers: Json
  private readonly durableBells: Records
  private readonly volatileBells: Records
  private readonly durable: RootDatabase
  private readonly volatile: RootDatabase
  private readonly gate: Gate
  private fullSince = 0
  private closed = false

  /** Opens the environments of a directory, which is made where it is not there. */
  static async open(path: string, mapSize: number | undefined): Promise<Environment> {
    const directory = prepareDirectory(path)
    let gate: Gate
    try {
      gate = new Gate(directory)
    } catch (error) {
      throw openError(directory, error)
    }
    try {
      return await gate.alone(() => new Environment(directory, gate, mapSize))
    } catch (error) {
      gate.close()
      throw openError(directory, error)
    }
  }

  private constructor(directory: string, gate: Gate, mapSize: number | undefined) {
    this.directory = directory
    this.gate = gate
    checkDataFile(this.directory)
    const common: RootDatabaseOptionsWithPath = {
      noSubdir: false,
      maxReaders: 4096,
      maxDbs: 16,
      overlappingSync: false,
      // The unnamed database has no records; an encoding by default would load that encoder.
      encoding: 'binary',
      // One conditional write is one unit here; lmdb need not collect those of an event turn.
      eventTurnBatching: false,
      cache: false,
    }
    try {
      this.durable = open({ ...common, path: this.directory, ...sized(mapSize ?? MAP_BYTES) })
    } catch (error) {
      throw openError(this.directory, error)
    }
    try {
      const folder = volatileDirectory(this.directory)
      mkdirSync(folder, { recursive: true })
      this.volatile = open({ ...common, path: folder, noSync: true })
      const json = { encoding: 'json', useVersions: true } as const
      const records = { encoding: 'binary', useVersions: true } as const
      this.meta = this.durable.openDB('meta', json)
      this.topics = this.durable.openDB('topics', json)
      this.settings = this.durable.openDB('settings', json)
      this.heads = this.durable.openDB('heads', records)
      this.tails = this.durable.openDB('tails', records)
      this.entries = this.durable.openDB('entries', { encoding: 'binary', keyEncoding: 'binary' })
      this.cursors = this.durable.openDB('cursors', records)
      this.sequences = this.durable.openDB('sequences', records)
      this.pairs = this.durable.openDB('pairs', records)
      this.sessions = this.volatile.openDB('sessions', json)
      this.registry = this.volatile.openDB('registry', json)
      this.dispatch = this.volatile.openDB('dispatch', records)
      this.producers = this.volatile.openDB('producers', json)
      this.durableBells = this.durable.openDB('bells', records)
      this.volatileBells = this.volatile.openDB('bells', records)
    } catch (error) {
      throw openError(this.directory, error)
    }
  }

  /** Marks a fresh directory as ours, and refuses one of another format. */
  async checkFormat(): Promise<void> {
    const found = () => this.read(this.meta, 'format')?.value as { readonly format?: number } | undefined
    if (found() === undefined) {
      await this.writeIf(this.meta, 'format', undefined, () => {
        this.put(this.meta, 'format', { format: FORMAT }, 0)
      })
      this.refresh()
    }
    const format = found()?.format
    if (format !== FORMAT) {
      throw formatError(
        this.directory,
        `it has format ${format}, this version reads format ${FORMAT}; use the release that wrote it, or another directory`,
      )
    }
    removeStaleVolatile(this.directory)
  }

  /** Lets the next reads see what has been committed by now, by whatever thread or process. */
  refresh(): void {
    this.durable.resetReadTxn()
    this.volatile.resetReadTxn()
  }

  /**
   * Changes with every write that somebody may wait for, as far as {@link refresh} lets this thread see it. (lmdb's own
   * number of the last commit runs ahead of what can be read.)
   */
  news(): string {
    return this.bell(BELLS)
  }

  read<T>(db: Database<T, Key>, key: Key): Versioned<T> | undefined {
    const entry = db.getEntry(key)
    return entry === undefined ? undefined : { value: entry.value, version: entry.version ?? 0 }
  }

  /** Whether the record has this version still (undefined: is not there); cheaper than reading it. */
  unchanged<T>(db: Database<T, Key>, key: Key, version: number | undefined): boolean {
    // The version of a conditional check is typed as a value.
    return version === undefined ? !db.doesExist(key) : db.doesExist(key, version as number & T)
  }

  /** Only inside {@link writeIf}: part of its unit. */
  put<T>(db: Database<T, Key>, key: Key, value: T, version: number): void {
    // The outcome is that of the unit, which the caller awaits.
    void db.put(key, value, version)
    const bells = this.bellsOf(db)
    if (bells === undefined) return
    void bells.put(BELLS, RUNG, randomVersion())
    const topicId = Array.isArray(key) ? key[0] : key
    if (typeof topicId === 'number') void bells.put(bellOf(topicId), RUNG, randomVersion())
  }

  /** What the bell of some topics says now: it changes with every write that a consumer of one of them waits for. */
  bell(bell: number): string {
    return `${versionOf(this.durableBells, bell)}:${versionOf(this.volatileBells, bell)}`
  }

  /**
   * Executes the writes of `write` as one unit, if the record still has the version `expected` (undefined: is not
   * there). Resolves whether it did, after the commit.
   */
  async writeIf<T>(
    db: Database<T, Key>,
    key: Key,
    expected: number | undefined,
    write: () => void,
    bytes = 0,
  ): Promise<boolean> {
    return this.commit(bytes, () =>
      expected === undefined ? db.ifNoExists(key, write) : db.ifVersion(key, expected, write),
    )
  }

  /** Executes writes as one unit without a condition. */
  async write(db: Json | Records, write: () => void, bytes = 0): Promise<void> {
    await this.commit(bytes, () => db.batch(write))
  }

  /**
   * Writes a record over and over until nobody else wrote it in between. `change` gets the present value and returns the
   * new one, or undefined when there is nothing to write; it may be called several times.
   */
  async update<T>(
    db: Database<T, Key>,
    key: Key,
    change: (present: T | undefined) => T | undefined,
    also?: (value: T) => void,
  ): Promise<void> {
    for (;;) {
      this.refresh()
      const present = this.read(db, key)
      const next = change(present?.value)
      if (next === undefined) return
      const done = await this.writeIf(db, key, present?.version, () => {
        this.put(db, key, next, randomVersion())
        also?.(next)
      })
      if (done) return
    }
  }

  private bellsOf(db: unknown): Records | undefined {
    if (db === this.heads || db === this.cursors || db === this.meta) return this.durableBells
    return db === this.registry || db === this.dispatch || db === this.producers ? this.volatileBells : undefined
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    try {
      await this.gate.alone(async () => {
        await this.volatile.close()
        await this.durable.close()
      })
    } finally {
      this.gate.close()
    }
  }

  private async commit<T>(bytes: number, write: () => Promise<T>): Promise<T> {
    if (this.closed) throw closedError(`the embedded log in ${this.directory}`)
    this.refuseWhenFull(bytes)
    const admission = this.gate.enter()
    if (admission !== undefined) await admission
    try {
      return await write()
    } catch (error) {
      throw await this.explain(error, bytes)
    } finally {
      this.gate.leave()
    }
  }

  // After a failed write: ask the file system before trying lmdb again, whose failures are loud (it prints them).
  private refuseWhenFull(bytes: number): void {
    if (this.fullSince === 0) return
    const free = freeBytes(this.directory)
    const overdue = performance.now() - this.fullSince > RETRY_FULL_MS
    if (free !== undefined && free < bytes * 2 + SPARE_BYTES && !overdue) throw diskFullError(this.directory, free)
    this.fullSince = 0
  }

  private async explain(error: unknown, bytes: number): Promise<Error> {
    const cause = await commitCause(error)
    const code = (cause as NodeJS.ErrnoException).code as string | number | undefined
    const text = cause instanceof Error ? cause.message : String(cause)
    const free = freeBytes(this.directory)
    // lmdb calls a write that was cut short an input/output error; the file system knows better.
    const full =
      code === 'ENOSPC' ||
      code === 28 ||
      code === 122 ||
      /MDB_MAP_FULL|No space left|quota/i.test(text) ||
      ((code === 5 || /Input\/output/i.test(text)) && free !== undefined && free < bytes * 2 + SPARE_BYTES)
    if (!full) return storageError(this.directory, cause)
    this.fullSince = performance.now()
    return diskFullError(this.directory, free, cause)
  }
}

const BELLS = 1024
const RUNG = Buffer.alloc(1)

/** The bell that a topic shares with some others, so that nobody has to look at every topic to see which one moved. */
export function bellOf(topicId: number): number {
  return topicId % BELLS
}

function versionOf(db: Records, key: Key): number {
  return db.getEntry(key)?.version ?? 0
}

const SPARE_BYTES = 256 * 1024
const RETRY_FULL_MS = 5_000

/**
 * Address space to begin with. lmdb leaves the old map in place when it grows, so that pages would be counted twice; a
 * large one costs nothing, except on Windows, where the file gets its size.
 */
const MAP_BYTES = process.platform === 'win32' ? undefined : 16 * 1024 ** 3

function sized(mapSize: number | undefined): { readonly mapSize?: number } {
  return mapSize === undefined ? {} : { mapSize }
}

/** A version that no earlier write of a record had, so that a conditional write never mistakes one for another. */
export function randomVersion(): number {
  return Math.floor(Math.random() * 2 ** 52)
}

/** lmdb rejects each write of a failed commit with a promise of the cause. */
async function commitCause(error: unknown): Promise<unknown> {
  const promise = (error as { readonly commitError?: Promise<never> }).commitError
  if (promise === undefined) return error
  return promise.then(
    () => error,
    cause => cause,
  )
}

function openError(directory: string, error: unknown): Error {
  if (isConnectorError(error)) return error
  const text = error instanceof Error ? error.message : String(error)
  if (/MDB_INVALID|MDB_VERSION_MISMATCH|not an LMDB file/i.test(text)) {
    return formatError(directory, `${text}; name another directory`, error)
  }
  if (/MDB_READERS_FULL/.test(text)) {
    return storageError(directory, new Error(`too many processes and threads use it at once (${text})`))
  }
  return storageError(directory, error)
}
