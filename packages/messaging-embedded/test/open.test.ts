import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbedded } from '../src/index.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pio-embedded-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

describe('opening an embedded log', () => {
  it('makes the directory and keeps what was acknowledged when it is opened again', async () => {
    const path = join(directory, 'a', 'b')
    const first = await openEmbedded({ directory: path })
    const producer = await first.createProducer({ topic: 't' })
    const positions = await producer.send([{ payload: Buffer.from('one') }, { payload: Buffer.from('two') }])
    await first.close()
    const second = await openEmbedded({ directory: path })
    const reader = await second.createReader({ topic: 't' })
    const messages = await reader.read({ maxMessages: 10, timeoutMs: 1000 })
    expect(messages.map(({ payload }) => Buffer.from(payload ?? []).toString())).toEqual(['one', 'two'])
    expect(messages.map(({ position }) => position)).toEqual(positions)
    await second.close()
  })

  it('shares one environment between several opens and closes it with the last one', async () => {
    const [a, b] = await Promise.all([openEmbedded({ directory }), openEmbedded({ directory })])
    await a.close()
    await a.close()
    await b.topics.create('t')
    expect(await b.topics.exists('t')).toBe(true)
    await b.close()
    const c = await openEmbedded({ directory })
    expect(await c.topics.exists('t')).toBe(true)
    await c.close()
  })

  it('says that a file is in the place of the directory', async () => {
    const file = join(directory, 'file')
    await writeFile(file, '')
    await expect(openEmbedded({ directory: file })).rejects.toMatchObject({
      code: 'PIO_EMBEDDED_DIRECTORY',
      retry: 'stop',
      message: expect.stringContaining(file),
    })
  })

  it('says that a directory cannot be made', async () => {
    await expect(openEmbedded({ directory: '/proc/embedded-log' })).rejects.toMatchObject({
      code: 'PIO_EMBEDDED_DIRECTORY',
      message: expect.stringContaining('/proc/embedded-log'),
    })
  })

  it('refuses the format of another version and says so', async () => {
    const root = open({ path: directory, noSubdir: false, overlappingSync: false })
    const meta = root.openDB('meta', { encoding: 'json', useVersions: true })
    await meta.put('format', { format: 99 }, 0)
    await root.close()
    await expect(openEmbedded({ directory })).rejects.toMatchObject({
      code: 'PIO_EMBEDDED_FORMAT',
      retry: 'stop',
      message: expect.stringContaining('format 99'),
    })
  })

  it('refuses a data file that lmdb did not write', async () => {
    await writeFile(join(directory, 'data.mdb'), Buffer.alloc(20_000, 7))
    await expect(openEmbedded({ directory })).rejects.toMatchObject({ code: 'PIO_EMBEDDED_FORMAT' })
  })
})
