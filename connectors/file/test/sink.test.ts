import { appendFile, mkdir, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type Record, RecordError } from '@pulsar-io/sdk'
import { record, records } from '@pulsar-io/testkit'
import { describe, expect, it } from 'vitest'
import { sink } from '../src/index.ts'
import { folder, openSink } from './helpers.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

async function written(config: object, batch: readonly Record[]): Promise<string> {
  const path = join(await folder(), 'out')
  const { write, close } = await openSink({ path, ...config })
  await write(batch)
  await close()
  return readFile(path, 'utf8')
}

describe('ndjson', () => {
  it.each([
    ['{"b":1,  "a":12345678901234567890.10}', '{"b":1,  "a":12345678901234567890.10}'],
    ['12', '12'],
    ['"text"', '"text"'],
    ['{\n  "a": "x\\ny"\r\n}', '{  "a": "x\\ny"}'],
    ['no "JSON"\n', '"no \\"JSON\\"\\n"'],
    ['', '""'],
  ])('bytes %j become the line %s', async (value, line) => {
    expect(await written({}, [record(bytes(value))])).toBe(`${line}\n`)
  })

  it.each<[unknown, string]>([
    [{ a: [1, null], b: 'ü\n' }, '{"a":[1,null],"b":"ü\\n"}'],
    [null, 'null'],
    ['12', '"12"'],
    ['{"a":1}', '{"a":1}'],
    ['{broken', '"{broken"'],
    [2n ** 62n, '4611686018427387904'],
    [
      { id: 2n ** 62n, raw: bytes('hi'), at: new Date(0) },
      '{"id":4611686018427387904,"raw":"aGk=","at":"1970-01-01T00:00:00.000Z"}',
    ],
    [new Map([['k', 1.5]]), '{"k":1.5}'],
    [true, 'true'],
  ])('value %o becomes the line %s', async (value, line) => {
    expect(await written({}, [record(value)])).toBe(`${line}\n`)
  })

  it('bytes that are no text are rejected; the others wait until the runtime hands them over again', async () => {
    const path = join(await folder(), 'out.ndjson')
    const { write } = await openSink({ path })
    const good = [record(bytes('1')), record(bytes('2'))]
    const outcomes = await write([...good.slice(0, 1), record(Buffer.from([0xff])), ...good.slice(1)])
    expect(outcomes).toEqual([
      undefined,
      expect.objectContaining({ code: 'PIO_FILE_VALUE', retry: 'reject' }),
      undefined,
    ])
    expect(await readFile(path, 'utf8')).toBe('')
    await write(good)
    expect(await readFile(path, 'utf8')).toBe('1\n2\n')
  })
})

describe('lines', () => {
  it('writes text as it is and anything else as JSON', async () => {
    const batch: Record[] = [record('a "b"'), record(bytes('ü')), record({ a: 1 }), record(7), record('')]
    expect(await written({ format: 'lines' }, batch)).toBe('a "b"\nü\n{"a":1}\n7\n\n')
  })

  it.each([['a\nb'], [bytes('a\nb')], [null]])('rejects %j, which is not one line', async value => {
    const { write } = await openSink({ path: join(await folder(), 'out'), format: 'lines' })
    const outcomes = await write([record<unknown>(value)])
    expect(outcomes).toEqual([expect.any(RecordError)])
  })
})

describe('path', () => {
  it('a folder gets a file named like the sink; missing folders are made', async () => {
    const path = join(await folder(), 'a', 'b')
    const { write, close } = await openSink({ path: `${path}/` }, { name: 'quakes' })
    await write(records([1]))
    await close()
    expect(await readdir(path)).toEqual(['quakes.ndjson'])
    const again = await openSink({ path, format: 'lines' }, { name: 'quakes' })
    await again.close()
    expect(await readdir(path)).toEqual(['quakes.ndjson', 'quakes.txt'])
  })

  it('several instances write files of their own', async () => {
    const path = await folder()
    for (const instanceId of [0, 1]) {
      const { write } = await openSink({ path: join(path, 'out.ndjson') }, { instanceId, numInstances: 2 })
      await write(records([instanceId]))
    }
    expect((await readdir(path)).filter(name => !name.startsWith('.'))).toEqual(['out-i0.ndjson', 'out-i1.ndjson'])
  })

  it('what exists is appended to', async () => {
    const path = join(await folder(), 'out.ndjson')
    await writeFile(path, '1\n')
    const { write } = await openSink({ path })
    await write(records([2]))
    await write(records([3]))
    expect(await readFile(path, 'utf8')).toBe('1\n2\n3\n')
  })

  it('is absolute in what is said about it', async () => {
    await expect(openSink({ path: 'package.json/x' })).rejects.toThrow(
      `cannot write ${resolve('package.json/x')} (ENOTDIR)`,
    )
  })

  it('that cannot be written is refused with its name and the reason', async () => {
    const path = join(await folder(), 'file')
    await writeFile(path, '')
    await expect(openSink({ path: join(path, 'out.ndjson') })).rejects.toMatchObject({
      code: 'PIO_FILE_NOT_WRITABLE',
      retry: 'stop',
      message: expect.stringContaining(`cannot write ${join(path, 'out.ndjson')} (ENOTDIR)`),
    })
  })
})

describe('rotation', () => {
  it('by size: no file exceeds it, no line is cut, numbers go on after a restart', async () => {
    const path = await folder()
    const config = { path: join(path, 'out.ndjson'), maxSize: 10 }
    const { write, close } = await openSink(config)
    await write(records([111, 222, 333, 444]))
    await write(records(['a line that is longer than maxSize', 5, 6]))
    await close()
    const again = await openSink(config)
    await again.write(records([777777, 8]))
    await again.close()
    const files = await readdir(path)
    expect(files).toEqual(files.map((_, i) => `out-00000${i + 1}.ndjson`))
    expect(await Promise.all(files.map(name => readFile(join(path, name), 'utf8')))).toEqual([
      '111\n222\n',
      '333\n444\n',
      '"a line that is longer than maxSize"\n',
      '5\n6\n',
      '777777\n8\n',
    ])
  })

  it('by age: the first batch after it begins the next file', async () => {
    const path = await folder()
    const { write } = await openSink({ path: join(path, 'out.txt'), format: 'lines', maxAge: '1ms' })
    await write(records(['a', 'b']))
    await new Promise(resolve => setTimeout(resolve, 5))
    await write(records(['c']))
    expect(await readFile(join(path, 'out-000001.txt'), 'utf8')).toBe('a\nb\n')
    expect(await readFile(join(path, 'out-000002.txt'), 'utf8')).toBe('c\n')
  })

  it.skipIf(process.platform !== 'linux')('does not keep the files open that it has left', async () => {
    const path = await folder()
    const { write } = await openSink({ path: join(path, 'out.ndjson'), maxSize: 4 })
    for (let n = 10; n < 20; n++) await write(records([n]))
    const open = (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
    expect((await Promise.all(open)).filter(name => name.startsWith(path))).toEqual([join(path, 'out-000010.ndjson')])
  })

  it('by somebody else: a moved file is left alone, a deleted one loses nothing of the batch', async () => {
    const path = join(await folder(), 'out.ndjson')
    const { write } = await openSink({ path })
    await write(records([1]))
    await rename(path, `${path}.1`)
    await write(records([2]))
    await write(records([3]))
    expect(await readFile(`${path}.1`, 'utf8')).toBe('1\n2\n')
    expect(await readFile(path, 'utf8')).toBe('3\n')
    await rm(path)
    await write(records([4]))
    expect(await readFile(path, 'utf8')).toBe('4\n')
  })
})

describe('a torn tail', () => {
  it('that is no JSON is cut off, and the log says so', async () => {
    const path = join(await folder(), 'out.ndjson')
    await writeFile(path, `1\n{"long":"${'x'.repeat(100_000)}`)
    const { write, context } = await openSink({ path })
    await write(records([2]))
    expect(await readFile(path, 'utf8')).toBe('1\n2\n')
    expect(context.logger.messages('warn')).toEqual([expect.stringContaining('cut a torn line of 100009 bytes')])
  })

  it('of a file that no sink left behind is a line that lacks its newline', async () => {
    const path = join(await folder(), 'out.txt')
    await writeFile(path, 'by hand')
    const { write } = await openSink({ path, format: 'lines' })
    await write(records(['x']))
    expect(await readFile(path, 'utf8')).toBe('by hand\nx\n')
  })

  it('after a crash is cut off even where it might be a line', async () => {
    const path = join(await folder(), 'out.txt')
    await writeFile(path, 'whole\nhal')
    const dead = { connector: 'a/b/c/0', pid: 2 ** 22 + 1, started: '1', host: (await import('node:os')).hostname() }
    await writeFile(join(path, '..', '.out.txt.lock'), JSON.stringify(dead))
    const { write } = await openSink({ path, format: 'lines' })
    await write(records(['x']))
    expect(await readFile(path, 'utf8')).toBe('whole\nx\n')
  })
})

describe('the lock', () => {
  it('keeps a second sink away and says who has the file', async () => {
    const path = join(await folder(), 'out.ndjson')
    const first = await openSink({ path }, { name: 'first' })
    await expect(openSink({ path }, { name: 'second' })).rejects.toMatchObject({
      code: 'PIO_FILE_LOCKED',
      message: expect.stringContaining(`${path} is being written by public/default/first/0 (process ${process.pid}`),
    })
    await first.close()
    const second = await openSink({ path }, { name: 'second' })
    await second.close()
    expect(await readdir(join(path, '..'))).toEqual(['out.ndjson'])
  })

  it('of an instance that ended without closing is taken over by the same instance', async () => {
    const path = join(await folder(), 'out.ndjson')
    await openSink({ path })
    await expect(openSink({ path })).resolves.toBeDefined()
  })

  it.skipIf(process.platform !== 'linux')('of a thread that was terminated is taken over by anybody', async () => {
    const path = join(await folder(), 'out.ndjson')
    const acked = join(path, '..', 'acked')
    await writeFile(acked, '0')
    const argv = [JSON.stringify({ path }), 'ATLEAST_ONCE', '1000000', acked]
    const thread = new Worker(new URL('./sink-child.ts', import.meta.url), { argv })
    while ((await readFile(acked, 'utf8')) === '0') await new Promise(resolve => setTimeout(resolve, 10))
    await expect(openSink({ path }, { name: 'second' })).rejects.toMatchObject({ code: 'PIO_FILE_LOCKED' })
    await thread.terminate()
    await expect(openSink({ path }, { name: 'second' })).resolves.toBeDefined()
  })

  it('of another host stays', async () => {
    const path = await folder()
    await mkdir(path, { recursive: true })
    await appendFile(
      join(path, '.out.ndjson.lock'),
      JSON.stringify({ connector: 'a', pid: 1, started: '', host: 'elsewhere.test' }),
    )
    await expect(openSink({ path: join(path, 'out.ndjson') })).rejects.toThrow('process 1 on elsewhere.test')
  })
})

it('declares what the runtime relies on', () => {
  expect(sink).toMatchObject({ delivery: 'transactional', settles: 'write', batched: true })
  expect(sink.batchPolicy({}).maxInFlight).toBe(1)
})
