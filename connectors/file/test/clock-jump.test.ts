import { appendFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { records } from '@pulsar-io/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { folder, openSink, openSource, values } from './helpers.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})

afterEach(() => {
  vi.useRealTimers()
})

describe.each([
  ['ahead', 3_600_000],
  ['back', -3_600_000],
] as const)('a clock that jumps an hour %s', (_, by) => {
  it('does not keep the source from what is appended, nor from the end of a file that was moved', async () => {
    const path = join(await folder(), 'app.log')
    await writeFile(path, 'one\n')
    const { take } = await openSource({ path, follow: true, pollInterval: 20, rotateWait: 100 })
    expect(values(await take(1))).toEqual(['one'])
    vi.setSystemTime(Date.now() + by)
    await appendFile(path, 'two\ntorn')
    expect(values(await take(1))).toEqual(['two'])
    await rename(path, `${path}.1`)
    const last = take(1)
    await new Promise(resolve => setTimeout(resolve, 50))
    vi.setSystemTime(Date.now() + by)
    expect(values(await last)).toEqual(['torn'])
  })

  it('neither ends a file of the sink before its age nor keeps it longer', async () => {
    const path = await folder()
    const { write } = await openSink({ path: join(path, 'out.txt'), format: 'lines', maxAge: 500 })
    await write(records(['a']))
    const began = performance.now()
    vi.setSystemTime(Date.now() + by)
    await write(records(['b']))
    const inTime = performance.now() - began < 400
    await new Promise(resolve => setTimeout(resolve, 600))
    await write(records(['c']))
    // On a machine that was too slow for it, the second may stand in a file of its own.
    expect((await readdir(path)).filter(name => name.startsWith('out'))).toHaveLength(inTime ? 2 : 3)
  })
})
