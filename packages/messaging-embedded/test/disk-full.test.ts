import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openEmbedded } from '../src/index.ts'

const mount = mkdtempSync(join(tmpdir(), 'pio-embedded-full-'))
const mounted = tryMount()

function tryMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mount], { stdio: 'ignore' })
    return true
  } catch {
    // Root without the right to mount, as in most containers.
    return false
  }
}

afterAll(() => {
  if (mounted) execFileSync('umount', [mount])
  rmSync(mount, { recursive: true, force: true })
})

describe('a full disk', () => {
  it.skipIf(!mounted)(
    'refuses to publish, loses nothing, and works again once there is room (needs mount)',
    async () => {
      const client = await openEmbedded({ directory: join(mount, 'log') })
      const producer = await client.createProducer({ topic: 't' })
      const batch = Array.from({ length: 200 }, () => ({ payload: Buffer.alloc(1024, 'x') }))
      let acknowledged = 0
      const fill = async () => {
        for (let i = 0; i < 60; i += 1) acknowledged += (await producer.send(batch)).length
      }
      await expect(fill()).rejects.toMatchObject({
        code: 'PIO_EMBEDDED_DISK_FULL',
        retry: 'reconnect',
        message: expect.stringContaining(mount),
      })
      await expect(producer.send(batch)).rejects.toMatchObject({ code: 'PIO_EMBEDDED_DISK_FULL' })
      expect(acknowledged).toBeGreaterThan(1_000)
      expect((await client.topics.stats('t')).messages).toBe(acknowledged)
      execFileSync('mount', ['-o', 'remount,size=32m', mount])
      acknowledged += (await producer.send(batch)).length
      expect((await client.topics.stats('t')).messages).toBe(acknowledged)
      const reader = await client.createReader({ topic: 't' })
      let read = 0
      while (await reader.hasNext()) read += (await reader.read({ maxMessages: 1_000, timeoutMs: 1_000 })).length
      expect(read).toBe(acknowledged)
      await client.close()
    },
  )
})
