import { readFile, stat } from 'node:fs/promises'
import { ArchiveError, isArchiveError, messageOf } from './errors.ts'
import { type ArchiveLimits, formatBytes } from './limits.ts'

/**
 * Reads an archive into memory once: what is hashed is what is checked and extracted, whatever happens to the file
 * meanwhile.
 *
 * @throws ArchiveError `PIO_ARCHIVE_LIMIT`, `PIO_ARCHIVE_FORMAT`, or `PIO_ARCHIVE_NOT_FOUND` where it cannot be read.
 */
export async function readArchive(path: string, limits: ArchiveLimits): Promise<Uint8Array> {
  try {
    const found = await stat(path)
    // A device never ends, and a pipe that nobody writes to never begins.
    if (!found.isFile()) {
      throw new ArchiveError('PIO_ARCHIVE_FORMAT', path, 'this is a device, pipe or folder. Give a .tgz file')
    }
    if (found.size > limits.archiveBytes) {
      throw new ArchiveError(
        'PIO_ARCHIVE_LIMIT',
        path,
        `it has ${formatBytes(found.size)}; an archive may have ${formatBytes(limits.archiveBytes)}. Is this the right file?`,
      )
    }
    return await readFile(path)
  } catch (error) {
    if (isArchiveError(error)) throw error
    throw new ArchiveError(
      'PIO_ARCHIVE_NOT_FOUND',
      path,
      `it cannot be read (${messageOf(error)}). Check its permissions`,
      { cause: error },
    )
  }
}
