import { randomBytes } from 'node:crypto'
import { watch } from 'node:fs'
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolveArchive } from '../../packages/engine/src/archive/index.ts'
import { connectorTgz, sha256 } from '../../packages/engine/test/archive/make-archive.ts'
import { finishLoader, outsideFolder, startLoader } from './outside.ts'

/** Large enough that extracting takes a while, and hard to compress. */
const files = Object.fromEntries(
  Array.from({ length: 400 }, (_, i) => [`dist/data/${i % 20}/${i}.bin`, randomBytes(20_000)] as const),
)
const bytes = connectorTgz({ files })

let outside: Awaited<ReturnType<typeof outsideFolder>>
let archive: string
let cacheDir: string
beforeEach(async () => {
  outside = await outsideFolder()
  cacheDir = join(outside.dir, 'cache')
  await mkdir(cacheDir)
  archive = join(outside.dir, 'tiny.tgz')
  await writeFile(archive, bytes)
})
afterEach(() => outside.remove())

/** Compares the entry with what was packed, by itself, not by the code under test. */
async function expectWhole(directory: string) {
  const found = await readdir(directory, { recursive: true, withFileTypes: true })
  expect(found.filter(file => file.isFile()).length).toBe(Object.keys(files).length + 3)
  for (const [path, content] of Object.entries(files)) {
    expect(content.equals(await readFile(join(directory, path))), path).toBe(true)
  }
}

describe('several processes at once', () => {
  const race = async () => {
    const loaders = await Promise.all(
      Array.from({ length: 4 }, () => startLoader(archive, 'sink', cacheDir, outside.dir)),
    )
    const loaded = await Promise.all(loaders.map(finishLoader))
    const directory = join(cacheDir, sha256(bytes), 'package')
    for (const each of loaded) expect(each).toMatchObject({ name: 'tiny', directory })
    expect(await readdir(cacheDir)).toEqual([sha256(bytes)])
    await expectWhole(directory)
  }

  it('extract one archive to one entry', race)

  it('put one damaged entry right', async () => {
    const { directory } = await resolveArchive(archive, { cacheDir })
    await truncate(join(directory, 'dist/data/7/7.bin'), 100)
    await truncate(join(directory, 'dist/index.js'), 1)
    await race()
  })
})

describe('a process killed while it extracts', () => {
  it('leaves an entry that is whole or not there, and what it left is removed', async () => {
    let interrupted = 0
    for (let round = 0; round < 6; round++) {
      const loader = await startLoader(archive, 'sink', cacheDir, outside.dir)
      const begun = firstChange(cacheDir)
      loader.child.stdin?.end('go\n')
      await begun
      await sleep(Math.random() * 15 * round)
      loader.child.kill('SIGKILL')
      await loader.ended

      const left = await readdir(cacheDir)
      if (left.some(name => name.startsWith('tmp-'))) interrupted++
      if (left.includes(sha256(bytes))) {
        await expectWhole(join(cacheDir, sha256(bytes), 'package'))
        // The next round has to extract again, so the entry is damaged.
        await truncate(join(cacheDir, sha256(bytes), 'package/dist/index.js'), 1)
      }
    }
    expect(interrupted, 'at least the first kill hit an extraction').toBeGreaterThan(0)

    const { directory } = await resolveArchive(archive, { cacheDir })
    await expectWhole(directory)
    expect(await readdir(cacheDir)).toEqual([sha256(bytes)])
  })
})

/** Resolves when something appears in a folder. */
function firstChange(folder: string): Promise<void> {
  return new Promise(done => {
    const watcher = watch(folder, () => {
      watcher.close()
      done()
    })
  })
}
