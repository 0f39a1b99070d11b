import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

const SQLITE_BUSY = 5
const POLL_MS = 50
/** Covers the slowest thing done under a lock: an installation from an empty package cache. */
const DEFAULT_WAIT_MS = 15 * 60_000

/**
 * A lock between processes, held until `release` or the death of the holder. It is SQLite's lock on an empty file,
 * which the operating system drops with the process, so there is no stale lock to recognise and break.
 */
export interface Lock {
  release(): void
}

const lockFile = (folder: string, name: string): string => join(folder, `${name}.lock`)

/** Takes the lock when it is free, otherwise gives `undefined` at once. */
export async function tryLock(folder: string, name: string): Promise<Lock | undefined> {
  await mkdir(folder, { recursive: true })
  const database = new DatabaseSync(lockFile(folder, name), { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
    throw error
  }
  return { release: () => database.close() }
}

/** Runs `work` under the lock. @throws when the lock is not free within `waitMs`. */
export async function withLock<T>(
  folder: string,
  name: string,
  work: () => Promise<T>,
  waitMs = DEFAULT_WAIT_MS,
): Promise<T> {
  const deadline = Date.now() + waitMs
  let lock = await tryLock(folder, name)
  while (!lock) {
    if (Date.now() > deadline) {
      throw new Error(`another process has held the lock ${lockFile(folder, name)} for ${waitMs / 1000} s`)
    }
    await sleep(POLL_MS)
    lock = await tryLock(folder, name)
  }
  try {
    return await work()
  } finally {
    lock.release()
  }
}

/** Deletes a lock that nobody will want again; to be called by its last holder. */
export async function forgetLock(folder: string, name: string): Promise<void> {
  await rm(lockFile(folder, name), { force: true })
}
