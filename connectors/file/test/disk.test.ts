import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { records } from '@pulsar-io/testkit'
import { afterAll, describe, expect, it } from 'vitest'
import { openSink } from './helpers.ts'

/** A disk of 64 KiB, or undefined where we may not mount one. */
function smallDisk(): string | undefined {
  const path = mkdtempSync(join(tmpdir(), 'file-connector-disk-'))
  mkdirSync(path, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path], { stdio: 'ignore' })
    return path
  } catch {
    // Not root, or no tmpfs on this system: the test is skipped.
    return undefined
  }
}

const disk = smallDisk()

describe.skipIf(disk === undefined)('a full disk', () => {
  afterAll(() => {
    if (disk) execFileSync('umount', [disk])
  })
  const batch = (from: number) =>
    records(Array.from({ length: 10 }, (_, i) => ({ n: from + i, pad: 'x'.repeat(1000) })))
  const numbers = async (path: string) =>
    (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line).n)

  it.each(['ATLEAST_ONCE', 'EFFECTIVELY_ONCE'] as const)(
    '%s: says so, tears nothing, goes on when there is room',
    async guarantee => {
      const path = join(disk ?? '', guarantee, 'out.ndjson')
      const { write, close } = await openSink({ path }, { guarantee })
      await write(batch(0))
      const ballast = join(disk ?? '', 'ballast')
      await expect(writeFile(ballast, Buffer.alloc(1024 * 1024))).rejects.toMatchObject({ code: 'ENOSPC' })
      for (let attempt = 0; attempt < 2; attempt++)
        await expect(write(batch(10))).rejects.toMatchObject({
          code: 'PIO_FILE_DISK_FULL',
          retry: 'reconnect',
          message: expect.stringMatching(/^the disk is full \(\d+ bytes free\): cannot write .*out\.ndjson; make room/),
        })
      expect(await numbers(path)).toEqual(Array.from({ length: 10 }, (_, n) => n))
      await rm(ballast)
      await write(batch(10))
      await close()
      expect(await numbers(path)).toEqual(Array.from({ length: 20 }, (_, n) => n))
      await rm(path)
    },
  )
})
