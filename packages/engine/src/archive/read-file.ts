import { open } from 'node:fs/promises'
import { ArchiveError, messageOf } from './errors.ts'
import { type ArchiveLimits, formatBytes } from './limits.ts'

/**
 * Reads an archive into memory once: what is hashed is what is checked and extracted, whatever happens to the file
 * meanwhile.
 *
 * @throws ArchiveError `PIO_ARCHIVE_LIMIT`, or `PIO_ARCHIVE_NOT_FOUND` where it cannot be read.
 */
export async function readArchive(path: string, limits: ArchiveLimits): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > limits.archiveBytes) {
        throw new ArchiveError(
          'PIO_ARCHIVE_LIMIT',
          path,
          `it has ${formatBytes(size)}; an archive may have ${formatBytes(limits.archiveBytes)}. Is this the right file?`,
        )
      }
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof ArchiveError) throw error
    throw new ArchiveError(
      'PIO_ARCHIVE_NOT_FOUND',
      path,
      `it cannot be read (${messageOf(error)}). Check its permissions`,
      {
        cause: error,
      },
    )
  }
}
