import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { create } from 'tar'

/** The time npm gives to every packed file, so that the same files make the same bytes. */
const MTIME = new Date('1985-10-26T08:15:00.000Z')

/** Byte of the gzip header that names the operating system, and its value for "unknown". */
const GZIP_OS = 9
const GZIP_OS_UNKNOWN = 255

/**
 * Writes files to a folder and packs them as an npm tarball: below `package/`, in the order given, with fixed times,
 * owners and modes.
 *
 * @returns The gzipped tar. Its bytes depend on the files and on the zlib of Node.js alone.
 */
export async function packTarball(staging: string, files: ReadonlyMap<string, Uint8Array>): Promise<Buffer> {
  for (const [path, bytes] of files) {
    const target = join(staging, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, bytes)
    await chmod(target, 0o644)
  }
  const file = `${staging}.tar`
  create(
    {
      file,
      cwd: staging,
      prefix: 'package',
      portable: true,
      mtime: MTIME,
      noDirRecurse: true,
      sync: true,
      strict: true,
    },
    [...files.keys()],
  )
  const gzipped = gzipSync(await readFile(file), { level: 9 })
  gzipped[GZIP_OS] = GZIP_OS_UNKNOWN
  return gzipped
}
