import { open } from 'node:fs/promises'
import { errno } from './problems.ts'

/** Makes new and removed names in a folder survive a power failure. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems have no such thing for folders; there the names are durable with the file.
    const code = errno(error)
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EPERM') throw error
  } finally {
    await handle.close()
  }
}
