import { appendFile, copyFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folder, offsetsOf, openSource, values } from './helpers.ts'

const fast = { follow: true, pollInterval: 20, rotateWait: 100 }

describe('growth', () => {
  it('a torn line is not a record until its newline comes', async () => {
    const path = join(await folder(), 'app.log')
    await writeFile(path, 'one\ntw')
    const { take } = await openSource({ path, ...fast })
    expect(values(await take(1))).toEqual(['one'])
    const next = take(1)
    await appendFile(path, 'o')
    await appendFile(path, '\n')
    expect(values(await next)).toEqual(['two'])
  })

  it('new files of a folder are read, too', async () => {
    const path = await folder()
    const { take } = await openSource({ path: `${path}/`, pattern: '*.log', ...fast })
    const reading = take(3)
    await writeFile(join(path, 'a.log'), 'a\n')
    await writeFile(join(path, 'b.log'), 'b\n')
    await appendFile(join(path, 'a.log'), 'c\n')
    expect(values(await reading).sort()).toEqual(['a', 'b', 'c'])
  })

  it('read gives up waiting when the source has to stop', async () => {
    const path = join(await folder(), 'app.log')
    await writeFile(path, '')
    const { source, context } = await openSource({ path, follow: true, pollInterval: '1h' })
    const reading = source.read()
    context.stop()
    expect(await reading).toEqual([])
  })

  it('a header that is not complete yet is waited for', async () => {
    const path = join(await folder(), 'in.csv')
    await writeFile(path, 'a,')
    const { take } = await openSource({ path, format: 'csv', ...fast })
    const reading = take(1)
    await appendFile(path, 'b\n1,2\n')
    expect(values(await reading)).toEqual([{ a: '1', b: '2' }])
  })
})

describe('rotation', () => {
  it('by rename: the old file is drained to its end, torn line included, then the new one', async () => {
    const path = join(await folder(), 'app.log')
    await writeFile(path, 'a1\n')
    const { take } = await openSource({ path, ...fast })
    const first = await take(1)
    await appendFile(path, 'a2\n')
    await rename(path, `${path}.1`)
    await appendFile(`${path}.1`, 'a3\ntorn')
    await writeFile(path, 'b1\n')
    const rest = await take(4)
    const old = rest.filter(record => record.partitionId === first[0]?.partitionId)
    expect(values(old)).toEqual(['a2', 'a3', 'torn'])
    expect(values(rest.filter(record => !old.includes(record)))).toEqual(['b1'])
  })

  it('by rename while nobody looked: goes on in the renamed file, then the new one', async () => {
    const path = join(await folder(), 'app.log')
    await writeFile(path, 'a1\na2\n')
    const first = await (await openSource({ path, ...fast })).take(2)
    await appendFile(path, 'a3\n')
    await rename(path, `${path}.1`)
    await writeFile(path, 'b1\n')
    const { take } = await openSource({ path, ...fast }, { offsets: offsetsOf(first.slice(0, 1)) })
    const rest = await take(3)
    expect(values(rest)).toEqual(['a2', 'a3', 'b1'])
    expect(rest.map(record => record.partitionId === first[0]?.partitionId)).toEqual([true, true, false])
  })

  it('inside a followed folder a renamed file stays the same partition', async () => {
    const path = await folder()
    await writeFile(join(path, 'app.log'), 'a1\n')
    const { take } = await openSource({ path, ...fast })
    const [first] = await take(1)
    await rename(join(path, 'app.log'), join(path, 'app.log.1'))
    await writeFile(join(path, 'app.log'), 'b1\n')
    await appendFile(join(path, 'app.log.1'), 'a2\n')
    const rest = await take(2)
    expect(values(rest).sort()).toEqual(['a2', 'b1'])
    expect(rest.find(record => record.value === 'a2')?.partitionId).toBe(first?.partitionId)
  })

  it('a deleted file is read to its end', async () => {
    const path = join(await folder(), 'app.log')
    await writeFile(path, 'a1\n')
    const { take } = await openSource({ path, ...fast })
    await take(1)
    await appendFile(path, 'a2\n')
    await rm(path)
    expect(values(await take(1))).toEqual(['a2'])
  })
})

describe('truncation', () => {
  it('starts over in a partition of its own, and says so', async () => {
    const path = join(await folder(), 'app.log')
    await writeFile(path, 'same\nold\n')
    const { take, context } = await openSource({ path, ...fast })
    const before = await take(2)
    await copyFile(path, `${path}.1`)
    await truncate(path, 0)
    await appendFile(path, 'same\nnew\n')
    const after = await take(2)
    expect(values(after)).toEqual(['same', 'new'])
    expect(after[0]?.partitionId).not.toBe(before[0]?.partitionId)
    expect(after.map(record => record.sequence)).toEqual([0n, 5n])
    expect(context.logger.messages('warn')).toEqual([expect.stringContaining('was truncated or replaced in place')])
  })

  it('is noticed after a restart, also when the file has the old length again', async () => {
    const path = join(await folder(), 'app.log')
    await writeFile(path, 'same\nold\n')
    const before = await (await openSource({ path })).all()
    await truncate(path, 0)
    await appendFile(path, 'same\nnew\n')
    const offsets = offsetsOf(before)
    const after = await (await openSource({ path }, { offsets })).all()
    expect(values(after)).toEqual(['same', 'new'])
    expect(offsets.has(after[0]?.partitionId ?? '')).toBe(false)
    // The next run finds the second generation, not the first.
    await appendFile(path, 'more\n')
    const next = await (await openSource({ path }, { offsets: offsetsOf(after, offsets) })).all()
    expect(values(next)).toEqual(['more'])
    expect(next[0]?.partitionId).toBe(after[0]?.partitionId)
  })
})
