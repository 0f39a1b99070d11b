import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { records } from '@pulsar-io/testkit'
import { describe, expect, it } from 'vitest'
import { CheckpointFile } from '../src/checkpoint.ts'
import { folder, openSink } from './helpers.ts'

const position = (entryId: number) => ({ ledgerId: 2n ** 60n, entryId: BigInt(entryId), batchIndex: 3 })
const at = (entryId: number, partition = 0) => ({ topic: 'persistent://a/b/c', partition, position: position(entryId) })

describe('CheckpointFile', () => {
  it('gives back what was saved last, also when it has grown', async () => {
    const path = join(await folder(), 'notes')
    const file = new CheckpointFile(path)
    expect(await file.load()).toBeUndefined()
    for (const partitions of [1, 2, 300, 3]) {
      const positions = Array.from({ length: partitions }, (_, i) => at(partitions, i))
      await file.save({ file: 'x', length: partitions, positions })
      expect(await new CheckpointFile(path).load()).toEqual({ file: 'x', length: partitions, positions })
    }
    await file.close()
  })

  it('a save that a crash tore leaves the one before it', async () => {
    const path = join(await folder(), 'notes')
    const file = new CheckpointFile(path)
    for (let length = 0; length < 5; length++) {
      await file.save({ file: 'x', length, positions: [] })
      if (length === 0) continue
      const bytes = await readFile(path)
      const torn = bytes.indexOf(`"length":${length}`)
      bytes.write('!', torn)
      await writeFile(`${path}.torn`, bytes)
      expect((await new CheckpointFile(`${path}.torn`).load())?.length).toBe(length - 1)
    }
    await file.close()
  })

  it('damage is refused', async () => {
    const path = join(await folder(), 'notes')
    await writeFile(path, 'nothing of ours')
    await expect(new CheckpointFile(path).load()).rejects.toMatchObject({ code: 'PIO_FILE_CHECKPOINT' })
  })
})

describe('EFFECTIVELY_ONCE', () => {
  const once = { guarantee: 'EFFECTIVELY_ONCE' } as const

  it('tells how far each partition got, and takes away what came after', async () => {
    const path = join(await folder(), 'out.ndjson')
    await writeFile(path, '"before"\n')
    const first = await openSink({ path }, once)
    expect(await first.sink.committed?.()).toEqual([])
    await first.write(records([1, 2]), [at(1), at(7, 1)])
    await first.write(records([3]), [at(2)])
    await appendFile(path, '4\n5\ntor')
    // No close: as if the process was killed here.
    const second = await openSink({ path }, once)
    expect(await second.sink.committed?.()).toEqual([at(2), at(7, 1)])
    expect(await readFile(path, 'utf8')).toBe('"before"\n1\n2\n3\n')
    expect(second.context.logger.messages('warn')).toEqual([expect.stringContaining('cutting')])
  })

  it('a batch that failed is not in, whatever comes after it', async () => {
    const path = join(await folder(), 'out.ndjson')
    const first = await openSink({ path }, once)
    await first.write(records([1]), [at(1)])
    const { prototype } = CheckpointFile
    const { save } = prototype
    prototype.save = async () => {
      throw Object.assign(new Error('broken disk'), { code: 'EIO' })
    }
    await expect(first.write(records([2]), [at(2)])).rejects.toMatchObject({ code: 'PIO_FILE_WRITE' })
    prototype.save = save
    await first.write(records([9]), [at(9, 1)])
    await first.close()
    expect(await readFile(path, 'utf8')).toBe('1\n9\n')
    const second = await openSink({ path }, once)
    expect(await second.sink.committed?.()).toEqual([at(1), at(9, 1)])
  })

  it('records that come again after they were committed are not written again', async () => {
    const path = join(await folder(), 'out.ndjson')
    const { write } = await openSink({ path }, once)
    const batch = (from: number, count: number) =>
      records(
        Array.from({ length: count }, (_, i) => from + i),
        { topic: 'persistent://a/b/c', position: position(from) },
      )
    await write(batch(1, 2), [at(2)])
    expect(await write(batch(1, 3), [at(3)])).toBeUndefined()
    await write(batch(1, 1), [at(1)])
    expect(await readFile(path, 'utf8')).toBe('1\n2\n3\n')
    const second = await openSink({ path }, once)
    expect(await second.sink.committed?.()).toEqual([at(3)])
  })

  it('numbered files behind the checkpoint go, too', async () => {
    const path = await folder()
    const config = { path: join(path, 'out.ndjson'), maxSize: 4 }
    const first = await openSink(config, once)
    await first.write(records([1, 2, 3]), [at(2)])
    await writeFile(join(path, 'out-000003.ndjson'), '4\n')
    await openSink(config, once)
    expect((await readdir(path)).filter(name => !name.startsWith('.'))).toEqual([
      'out-000001.ndjson',
      'out-000002.ndjson',
    ])
  })

  it('records that were written without it in between are kept', async () => {
    const path = join(await folder(), 'out.ndjson')
    const first = await openSink({ path }, once)
    await first.write(records([1]), [at(1)])
    await first.close()
    const between = await openSink({ path })
    await between.write(records([2]))
    await between.close()
    const last = await openSink({ path }, once)
    expect(await last.sink.committed?.()).toEqual([])
    expect(await readFile(path, 'utf8')).toBe('1\n2\n')
  })

  it('a file that somebody took away begins anew, without a record twice', async () => {
    const path = join(await folder(), 'out.ndjson')
    const first = await openSink({ path }, once)
    await first.write(records([1]), [at(1)])
    await first.close()
    await writeFile(path, '')
    const second = await openSink({ path }, once)
    expect(await second.sink.committed?.()).toEqual([at(1)])
    expect(second.context.logger.messages('warn')).toEqual([expect.stringContaining('somebody took records away')])
    await second.write(records([2]), [at(2)])
    expect((await stat(path)).size).toBe(2)
  })

  it('of several instances is refused', async () => {
    const path = join(await folder(), 'out.ndjson')
    await expect(openSink({ path }, { ...once, numInstances: 2 })).rejects.toMatchObject({ code: 'PIO_FILE_INSTANCES' })
  })
})
