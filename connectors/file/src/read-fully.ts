import type { FileHandle } from 'node:fs/promises'

/** Fills the buffer from the given place of the file; fewer bytes than that only at its end. */
export async function readFully(handle: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, position + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length
}
