import type { DatabaseSync } from 'node:sqlite'

/**
 * A lock between threads and processes that several may share or one may have alone: SQLite's lock on an empty file. The
 * operating system drops it with the process, so there is no stale lock to recognise and break.
 */
export class SharedLock {
  private readonly database: DatabaseSync
  /** Without the pages that SQLite keeps in advance, 80 KB of them: the file stays empty. */
  private slim = false

  /** Throws where the file cannot be made. */
  constructor(path: string) {
    const { DatabaseSync } = sqlite()
    this.database = new DatabaseSync(path, { timeout: 0 })
  }

  /** False where somebody has it alone. */
  tryShared(): boolean {
    this.database.exec('BEGIN')
    // A transaction takes its lock with the first read.
    if (this.taken('SELECT 1 FROM sqlite_schema')) return true
    this.release()
    return false
  }

  /** False where anybody has it. */
  tryAlone(): boolean {
    return this.taken('BEGIN EXCLUSIVE')
  }

  release(): void {
    this.database.exec('ROLLBACK')
    // It may want to read the file, which is not to be read while another has the lock.
    this.slim ||= this.taken('PRAGMA cache_size = 0')
  }

  /** Releases it, too. */
  close(): void {
    this.database.close()
  }

  private taken(sql: string): boolean {
    try {
      this.database.exec(sql)
      return true
    } catch (error) {
      if ((error as { readonly errcode?: number }).errcode === SQLITE_BUSY) return false
      throw error
    }
  }
}

const SQLITE_BUSY = 5

/** Node 22 warns at the first use that its SQLite may change; locks are the oldest part of it, and users cannot act on it. */
function sqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}
