import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errno, readProblem } from './problems.ts'
import type { Seen } from './tracked-file.ts'

const COMPRESSED = /\.(gz|bz2|xz|zst|zip)$/i

export function isCompressed(path: string): boolean {
  return COMPRESSED.test(path)
}

/** A regular expression for a name with `*` and `?`. */
export function nameMatcher(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's')
}

/** The file at a path, or undefined when there is none. */
export async function look(path: string): Promise<Seen | undefined> {
  try {
    const found = await stat(path, { bigint: true })
    if (!found.isFile()) return undefined
    const { ino, dev, size, mtimeNs } = found
    return { path, inode: String(ino), device: String(dev), size: Number(size), mtimeNs }
  } catch (error) {
    // Between listing a folder and looking at a file it may have gone.
    if (errno(error) === 'ENOENT') return undefined
    throw readProblem(error, path)
  }
}

/** What a folder holds for us, in the order of names. Hidden files are left alone: they are notes of other programs. */
export async function lookInto(folder: string, matcher: RegExp): Promise<{ files: Seen[]; compressed: string[] }> {
  const names = (await list(folder)).filter(name => !name.startsWith('.') && matcher.test(name)).sort()
  const compressed = names.filter(isCompressed).map(name => join(folder, name))
  const files: Seen[] = []
  for (const name of names) {
    if (isCompressed(name)) continue
    const seen = await look(join(folder, name))
    if (seen) files.push(seen)
  }
  return { files, compressed }
}

/** The files beside `path` that have one of the inodes: where a rotation moved them. */
export async function lookBeside(path: string, inodes: ReadonlySet<string>): Promise<Seen[]> {
  const found: Seen[] = []
  for (const name of (await list(dirname(path))).sort()) {
    if (name === basename(path) || isCompressed(name)) continue
    const seen = await look(join(dirname(path), name))
    if (seen && inodes.has(seen.inode)) found.push(seen)
  }
  return found
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    // Not there yet, or gone for a moment.
    if (errno(error) === 'ENOENT') return []
    throw readProblem(error, folder)
  }
}
