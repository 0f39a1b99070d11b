import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { ConfigError, type Offset } from '@pulsar-io/sdk'
import * as z from 'zod'
import { readFully } from './read-fully.ts'

/** Bytes of the beginning of a file that tell it from others, at most. */
export const HEAD_BYTES = 1024
/** Bytes before a place that tell whether the file still is what it was up to there, at most. */
export const TAIL_BYTES = 256

/** Checksum of a stretch of bytes whose place is known from elsewhere. */
export type Fingerprint = { readonly length: number; readonly crc: number }

/** Where reading goes on: the point behind the last published record. */
export type FileOffset = {
  readonly path: string
  readonly inode: string
  /** Bytes before the point. */
  readonly byte: number
  /** Lines that end before the point. */
  readonly line: number
  /** Of the first bytes of the file. */
  readonly head: Fingerprint
  /** Of the last bytes before the point. */
  readonly tail: Fingerprint
  /** The record ended with the file and not with a newline: one may follow that belongs to it. */
  readonly open?: boolean | undefined
}

const fingerprint = z.object({ length: z.int().min(0), crc: z.int().min(0) })
const fileOffset = z.object({
  path: z.string(),
  inode: z.string(),
  byte: z.int().min(0),
  line: z.int().min(0),
  head: fingerprint,
  tail: fingerprint,
  open: z.boolean().optional(),
})

/** Reads what an earlier run stored; refuses what was not stored by this connector. */
export function parseOffset(partitionId: string, offset: Offset): FileOffset {
  const result = fileOffset.safeParse(offset)
  if (result.success) return result.data
  throw new ConfigError(
    [{ path: '', message: `the stored offset of partition ${partitionId} is not one of the file source` }],
    { code: 'PIO_FILE_OFFSET', cause: result.error },
  )
}

export function fingerprintOf(buffer: Buffer, from: number, to: number): Fingerprint {
  return { length: to - from, crc: crc32(buffer.subarray(from, to)) }
}

/**
 * The id of a file's records: the inode survives a rename, and the first bytes tell a new file from a deleted one that
 * had the same inode. It follows from the file alone, so that a run which ended before an offset was stored makes the
 * same id again. `taken` is true for an id whose file has since been replaced in place.
 */
export function partitionIdOf(inode: string, head: Fingerprint, taken: (id: string) => boolean): string {
  const id = `${inode}-${head.crc.toString(16).padStart(8, '0')}`
  let candidate = id
  for (let generation = 2; taken(candidate); generation++) candidate = `${id}.${generation}`
  return candidate
}

/** Whether the file still holds what was read from it up to the offset. */
export async function continues(handle: FileHandle, offset: FileOffset): Promise<boolean> {
  const { head, tail, byte } = offset
  return (await matches(handle, 0, head)) && (await matches(handle, byte - tail.length, tail))
}

async function matches(handle: FileHandle, position: number, expected: Fingerprint): Promise<boolean> {
  const buffer = Buffer.alloc(expected.length)
  const read = await readFully(handle, buffer, position)
  return read === expected.length && crc32(buffer) === expected.crc
}
