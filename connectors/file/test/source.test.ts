import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { source } from '../src/index.ts'
import { folder, openSource, values } from './helpers.ts'

describe('lines', () => {
  it('reads each line as a text, the last one also without a newline', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, '\ufeffone\r\n\ntwo ü 🚀\nthree')
    const { all } = await openSource({ path })
    expect(values(await all())).toEqual(['one', '', 'two ü 🚀', 'three'])
  })

  it('gives each record the byte where its line begins, and the point behind it', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, 'ä\nb\n')
    const records = await (await openSource({ path })).all()
    expect(records.map(record => record.sequence)).toEqual([0n, 3n])
    expect(records.map(record => record.offset)).toMatchObject([
      { path, byte: 3, line: 1 },
      { path, byte: 5, line: 2 },
    ])
    expect(new Set(records.map(record => record.partitionId)).size).toBe(1)
  })

  it('has the schema of its format', () => {
    expect(source.schema({ format: 'lines' })).toEqual({ type: 'STRING' })
    expect(source.schema({ format: 'csv' })).toEqual({ type: 'JSON' })
  })

  it('reads lines that are longer than a chunk, and refuses those above maxRecordSize', async () => {
    const path = join(await folder(), 'in.txt')
    const long = 'x'.repeat(600_000)
    await writeFile(path, `a\n${long}\nb\n`)
    expect(values(await (await openSource({ path })).all())).toEqual(['a', long, 'b'])

    const small = await openSource({ path, maxRecordSize: 300_000 })
    expect(values(await small.take(1))).toEqual(['a'])
    await expect(small.take(1)).rejects.toMatchObject({
      code: 'PIO_FILE_MALFORMED',
      message: expect.stringContaining(`${path}:2: longer than maxRecordSize (300000 bytes): xxx`),
    })
    const skipping = await openSource({ path, maxRecordSize: '300000', onMalformed: 'skip' })
    const records = await skipping.all()
    expect(values(records)).toEqual(['a', 'b'])
    expect(records[1]?.offset).toMatchObject({ byte: 600_005, line: 3 })
  })

  it('does not turn bytes that are not UTF-8 into other characters', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, Buffer.from('gr\xfcn\nok\n', 'latin1'))
    await expect((await openSource({ path })).all()).rejects.toThrow(`${path}:1: not valid UTF-8`)
    expect(values(await (await openSource({ path, encoding: 'latin1' })).all())).toEqual(['grün', 'ok'])
  })
})

describe('ndjson', () => {
  it('reads each line as JSON, takes the key from a field, passes over empty lines', async () => {
    const path = join(await folder(), 'in.ndjson')
    await writeFile(path, '{"id":7,"a":[1]}\n\n  \n{"id":"x"}\r\n{"b":1}\nnull\n[1,2]')
    const records = await (await openSource({ path, format: 'ndjson', keyField: 'id' })).all()
    expect(values(records)).toEqual([{ id: 7, a: [1] }, { id: 'x' }, { b: 1 }, null, [1, 2]])
    expect(records.map(record => record.key)).toEqual(['7', 'x', undefined, undefined, undefined])
  })

  it('stops at a malformed line after the records before it, naming file, line and text', async () => {
    const path = join(await folder(), 'in.ndjson')
    await writeFile(path, `{"a":1}\n{"a":${'9'.repeat(500)}x}\n{"a":3}\n`)
    const { take } = await openSource({ path, format: 'ndjson' })
    expect(values(await take(1))).toEqual([{ a: 1 }])
    const failing = take(1)
    await expect(failing).rejects.toMatchObject({ code: 'PIO_FILE_MALFORMED', retry: 'stop' })
    await failing.catch((error: Error) => {
      expect(error.message).toContain(`${path}:2: not JSON`)
      expect(error.message).toContain('set onMalformed to skip')
      expect(error.message.length).toBeLessThan(600)
    })
  })

  it('skips malformed lines when told to, with a log line and a count', async () => {
    const path = join(await folder(), 'in.ndjson')
    await writeFile(path, '{"a":1}\n{oops\n{"a":3}\n')
    const { all, context } = await openSource({ path, format: 'ndjson', onMalformed: 'skip' })
    expect(values(await all())).toEqual([{ a: 1 }, { a: 3 }])
    expect(context.logger.messages('warn')).toEqual([expect.stringMatching(/in\.ndjson:2: not JSON.*\{oops/)])
    expect(context.recorded).toEqual([{ name: 'malformed', value: 1 }])
  })
})

describe('csv', () => {
  const csv = 'id,text\r\n1,"a ""quoted"" word, and\na newline"\r\n2,plain 5" pipe\n\n3,"last"'

  it('reads rows as objects; a newline inside quotes belongs to its row', async () => {
    const path = join(await folder(), 'in.csv')
    await writeFile(path, `\ufeff${csv.replace(' 5" pipe', '')}`)
    const records = await (await openSource({ path, format: 'csv', keyField: 'id' })).all()
    expect(values(records)).toEqual([
      { id: '1', text: 'a "quoted" word, and\na newline' },
      { id: '2', text: 'plain' },
      { id: '3', text: 'last' },
    ])
    expect(records.map(record => [record.key, record.offset?.line])).toEqual([
      ['1', 3],
      ['2', 4],
      ['3', 6],
    ])
  })

  it('a stray quote spoils its own row only', async () => {
    const path = join(await folder(), 'in.csv')
    await writeFile(path, csv)
    const { all, context } = await openSource({ path, format: 'csv', onMalformed: 'skip' })
    expect((await all()).map(record => (record.value as { id: string }).id)).toEqual(['1', '3'])
    expect(context.logger.messages('warn')).toEqual([expect.stringContaining(`skipped ${path}:4: not CSV`)])
  })

  it('finds quotes that only begin in a later chunk', async () => {
    const path = join(await folder(), 'in.csv')
    const rows = Array.from({ length: 9000 }, (_, i) => ({
      id: String(i),
      text: i > 4000 && i % 700 === 699 ? `a\n"${i}",` : 'x'.repeat(100),
    }))
    const cell = (value: string) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
    await writeFile(path, `id,text\n${rows.map(row => `${row.id},${cell(row.text)}\n`).join('')}`)
    expect(values(await (await openSource({ path, format: 'csv' })).all())).toEqual(rows)
  })

  it('takes other delimiters and names of columns', async () => {
    const path = join(await folder(), 'in.csv')
    await writeFile(path, '1;x\n2;y\n')
    const config = { path, format: 'csv', delimiter: ';', columns: 'n, letter' }
    expect(values(await (await openSource({ ...config, header: false })).all())).toEqual([
      { n: '1', letter: 'x' },
      { n: '2', letter: 'y' },
    ])
    expect(values(await (await openSource(config)).all())).toEqual([{ n: '2', letter: 'y' }])
  })

  it('says how many fields a row should have', async () => {
    const path = join(await folder(), 'in.csv')
    await writeFile(path, 'a,b\n1,2\n3\n')
    const { take } = await openSource({ path, format: 'csv' })
    await take(1)
    await expect(take(1)).rejects.toThrow(`${path}:3: 1 fields where 2 are expected: 3`)
  })

  it('refuses a header that names a column twice', async () => {
    const path = join(await folder(), 'in.csv')
    await writeFile(path, 'a,a\n1,2\n')
    await expect((await openSource({ path, format: 'csv' })).all()).rejects.toThrow('names column "a" twice')
  })
})

describe('a folder', () => {
  it('reads the files whose names match, in the order of names, and says what it passes over', async () => {
    const path = await folder()
    for (const name of ['b.log', 'a.log', 'c.txt', '.hidden.log', 'd.log.gz'])
      await writeFile(join(path, name), `${name}\n`)
    await mkdir(join(path, 'e.log'))
    const { all, context } = await openSource({ path, pattern: '*.log*' })
    expect(values(await all())).toEqual(['a.log', 'b.log'])
    expect(context.logger.messages('info')).toEqual([expect.stringContaining('d.log.gz: it is compressed')])
  })

  it('is spread over the instances, each file to one', async () => {
    const path = await folder()
    const names = Array.from({ length: 30 }, (_, i) => `f${i}`)
    for (const name of names) await writeFile(join(path, name), `${name}\n`)
    const shares: unknown[][] = []
    for (const instanceId of [0, 1, 2]) {
      const { all } = await openSource({ path }, { instanceId, numInstances: 3 })
      shares.push(values(await all()))
    }
    expect(shares.flat().sort()).toEqual(names.sort())
    expect(shares.every(share => share.length > 0)).toBe(true)
  })

  it('that is one file keeps only instance 0 busy', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, 'a\n')
    expect(
      await (await openSource({ path, follow: true }, { instanceId: 1, numInstances: 2 })).source.read(),
    ).toBeNull()
  })
})

describe('what cannot be read', () => {
  it('is named at open with its absolute path', async () => {
    const path = join(await folder(), 'missing.txt')
    await expect(openSource({ path })).rejects.toMatchObject({
      code: 'PIO_FILE_NOT_FOUND',
      message: `path: ${path} does not exist; set follow to wait for it`,
    })
  })

  it('compressed files are refused', async () => {
    const path = join(await folder(), 'in.gz')
    await writeFile(path, 'x')
    await expect(openSource({ path })).rejects.toMatchObject({ code: 'PIO_FILE_COMPRESSED' })
  })

  it('a file that is not there yet is waited for when following', async () => {
    const path = join(await folder(), 'later.txt')
    const { take, context } = await openSource({ path, follow: true, pollInterval: 50 })
    const reading = take(1)
    await appendFile(path, 'here\n')
    expect(values(await reading)).toEqual(['here'])
    expect(context.logger.messages('info')).toEqual([`waiting for ${path}`])
  })

  it('a stored offset of something else is refused', async () => {
    const path = join(await folder(), 'in.txt')
    await writeFile(path, 'a\n')
    await expect(openSource({ path }, { offsets: new Map([['p', { n: 1 }]]) })).rejects.toMatchObject({
      code: 'PIO_FILE_OFFSET',
    })
  })

  it('options that do not fit together are refused', () => {
    const problems = (config: object) => {
      const result = source.parse({ path: 'x', ...config })
      return result.ok ? [] : result.problems.map(problem => problem.path)
    }
    expect(problems({ keyField: 'a' })).toEqual(['keyField'])
    expect(problems({ format: 'ndjson', columns: 'a' })).toEqual(['columns'])
    expect(problems({ format: 'csv', header: false })).toEqual(['columns'])
    expect(problems({ format: 'csv', delimiter: 'ab' })).toEqual(['delimiter'])
  })
})
