import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { uptime } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { directoryError, formatError } from './errors.ts'

/** Makes the data directory where it is not there and says clearly why it cannot be used. */
export function prepareDirectory(path: string): string {
  const directory = resolve(path)
  try {
    makeFolders(directory)
    if (!statSync(directory).isDirectory()) throw directoryError(directory, 'it is not a directory; name another one')
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw explain(directory, error)
  }
  return directory
}

/** As `mkdir -p`. Node's own recursive mkdir never returns where a file system such as /proc answers ENOENT. */
function makeFolders(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    const parent = dirname(path)
    if (code !== 'ENOENT' || parent === path || existsSync(parent)) throw error
    makeFolders(parent)
    makeFolders(path)
  }
}

function explain(directory: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code
  switch (code) {
    case 'EEXIST':
    case 'ENOTDIR':
      return directoryError(directory, 'it, or a part of its path, is a file; name a directory', error)
    case 'EACCES':
    case 'EPERM':
      return directoryError(
        directory,
        'no permission to write there; change its owner or name another directory',
        error,
      )
    case 'EROFS':
      return directoryError(directory, 'the file system is read-only; name a directory on another one', error)
    case 'ENOSPC':
    case 'EDQUOT':
      return directoryError(directory, 'no room left on the disk; free some space or name another directory', error)
    case 'ENOENT':
      return directoryError(directory, 'it is not there and cannot be made; name another directory', error)
    default:
      return error instanceof Error ? error : new Error(String(error))
  }
}

/** Refuses a data file that lmdb did not write: lmdb itself would crash on some of them. */
export function checkDataFile(directory: string): void {
  const path = join(directory, 'data.mdb')
  if (!existsSync(path)) return
  const start = Buffer.alloc(MAGIC_AT + 4)
  const file = openSync(path, 'r')
  let bytes: number
  try {
    bytes = readSync(file, start, 0, start.length, 0)
  } finally {
    closeSync(file)
  }
  // Empty: another process is making it just now.
  if (bytes > 0 && start.readUInt32LE(MAGIC_AT) !== MAGIC) {
    throw formatError(directory, 'data.mdb was not written by lmdb; name another directory')
  }
}

/** Where a meta page carries lmdb's mark, in the byte order of the machine. */
const MAGIC_AT = 24
const MAGIC = 0xbeefc0de

/** Free bytes of the file system that holds the directory; undefined where that cannot be told. */
export function freeBytes(directory: string): number | undefined {
  try {
    const stats = statfsSync(directory)
    return stats.bavail * stats.bsize
  } catch {
    // Only used to explain an error that is reported anyway.
    return undefined
  }
}

/**
 * Names the folder of what is only true until the machine restarts (who holds what). It is written without fsync, so it
 * must never be read after a restart: its name carries the boot.
 */
export function volatileDirectory(directory: string): string {
  return join(directory, `${VOLATILE}${bootName()}`)
}

/** Removes what earlier boots left behind. */
export function removeStaleVolatile(directory: string): void {
  const current = `${VOLATILE}${bootName()}`
  for (const name of readdirSync(directory)) {
    if (name.startsWith(VOLATILE) && name !== current) {
      if (sameBoot(name.slice(VOLATILE.length))) continue
      rmSync(join(directory, name), { recursive: true, force: true })
    }
  }
}

const VOLATILE = 'volatile-'

let boot: string | undefined

function bootName(): string {
  boot ??= readBootName()
  return boot
}

function readBootName(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    // No Linux: the time of the last start, cut to ten minutes because the clock is adjusted while the machine runs.
    return `t${Math.round((Date.now() / 1000 - uptime()) / 600)}`
  }
}

/** Start times next to each other may be the same start, told by a clock that was adjusted. */
function sameBoot(other: string): boolean {
  const mine = bootName()
  return mine.startsWith('t') && other.startsWith('t') && Math.abs(Number(mine.slice(1)) - Number(other.slice(1))) <= 1
}
