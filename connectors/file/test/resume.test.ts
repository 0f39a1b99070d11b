import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SourceRecord } from '@pulsar-io/sdk'
import { describe, expect, it } from 'vitest'
import { folder, offsetsOf, openSource, values } from './helpers.ts'

const content = 'ä1\r\n\n{"b":2}\n🚀3\n"q",x\nlast'

describe('resume', () => {
  it('goes on behind any record, in the same partition', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, content)
    const all = await (await openSource({ path })).all()
    expect(all).toHaveLength(6)
    for (let done = 0; done <= all.length; done++) {
      const rest = await (await openSource({ path }, { offsets: offsetsOf(all.slice(0, done)) })).all()
      expect(rest).toEqual(all.slice(done))
    }
  })

  it('loses and repeats nothing at whatever byte the file ended before', async () => {
    const path = join(await folder(), 'in.txt')
    const bytes = Buffer.from(content)
    for (let cut = 0; cut <= bytes.length; cut++) {
      await writeFile(path, bytes.subarray(0, cut))
      const follow = { path, follow: true, pollInterval: 10 }
      const complete = bytes.subarray(0, cut).toString('latin1').split('\n').length - 1
      const first = await (await openSource(follow)).take(complete)
      await appendFile(path, bytes.subarray(cut))
      const rest = await (await openSource({ path }, { offsets: offsetsOf(first) })).all()
      expect([...values(first), ...values(rest)]).toEqual(['ä1', '', '{"b":2}', '🚀3', '"q",x', 'last'])
    }
  })

  it('the newline that follows a last line without one is not an empty line', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, 'a\nb')
    const first = await (await openSource({ path })).all()
    for (const newline of ['\n', '\r\n']) {
      await writeFile(path, `a\nb${newline}c`)
      const { all, context } = await openSource({ path }, { offsets: offsetsOf(first) })
      const rest = await all()
      expect(rest.map(record => [record.value, record.offset?.line])).toEqual([['c', 3]])
      expect(context.logger.messages('warn')).toEqual([])
    }
  })

  it('that newline may come long before the next line', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, 'a')
    const first = await (await openSource({ path })).all()
    await appendFile(path, '\n')
    const following = { path, follow: true, pollInterval: 10 }
    const { take, context } = await openSource(following, { offsets: offsetsOf(first) })
    const reading = take(2)
    // Time to take note of the newline alone; without it the test still holds, it just shows less.
    await new Promise(resolve => setTimeout(resolve, 50))
    await appendFile(path, 'b\nc\n')
    expect(values(await reading)).toEqual(['b', 'c'])
    expect(context.logger.messages('warn')).toEqual([])
  })

  it('csv: goes on in the middle with the header of the start', async () => {
    const path = join(await folder(), 'in.csv')
    await writeFile(path, 'id,v\n1,"x\ny"\n2,z\n3,w\n')
    const all = await (await openSource({ path, format: 'csv' })).all()
    for (let done = 0; done <= all.length; done++) {
      const { all: rest } = await openSource({ path, format: 'csv' }, { offsets: offsetsOf(all.slice(0, done)) })
      expect(await rest()).toEqual(all.slice(done))
    }
  })

  it('a copy under the same path is the same file as far as it was read', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, 'a\nb\n')
    const first = await (await openSource({ path })).all()
    await writeFile(`${path}.new`, `${await readFile(path, 'utf8')}c\n`)
    await rename(`${path}.new`, path)
    const rest = await (await openSource({ path }, { offsets: offsetsOf(first) })).all()
    expect(values(rest)).toEqual(['c'])
    expect(rest[0]?.partitionId).toBe(first[0]?.partitionId)
  })

  it('names the same partition again when nothing was stored, so that deduplication works', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, 'a\n')
    const first = await (await openSource({ path })).all()
    await appendFile(path, 'b\n')
    const again = await (await openSource({ path })).all()
    expect(again.map(({ partitionId, sequence }) => [partitionId, sequence])).toEqual([
      [first[0]?.partitionId, 0n],
      [first[0]?.partitionId, 2n],
    ])
  })

  it('sequences grow and batches are bounded', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, Array.from({ length: 5000 }, (_, i) => `${i}\n`).join(''))
    const { source } = await openSource({ path })
    const seen: SourceRecord[] = []
    for (let read = await source.read(); read !== null; read = await source.read()) {
      const batch = [read].flat()
      expect(batch.length).toBeLessThanOrEqual(1000)
      seen.push(...batch)
    }
    expect(values(seen)).toEqual(Array.from({ length: 5000 }, (_, i) => String(i)))
    expect(seen.every((record, i) => i === 0 || (record.sequence ?? 0n) > (seen[i - 1]?.sequence ?? 0n))).toBe(true)
  })
})
