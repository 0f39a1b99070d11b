import { spawnSync } from 'node:child_process'
import { appendFile, mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultCacheDir, tempName } from '../../src/archive/cache.ts'
import { type ResolvedArchive, resolveArchive } from '../../src/archive/index.ts'
import { Bench, connectorTgz, moduleText, sha256 } from './make-archive.ts'

let bench: Bench
let path: string
const bytes = connectorTgz({ files: { 'dist/deep/er/data.txt': 'data' } })
const provide = (): Promise<ResolvedArchive> => resolveArchive(path, { cacheDir: bench.cacheDir })

beforeEach(async () => {
  bench = await Bench.create()
  path = await bench.write('tiny.tgz', bytes)
})
afterEach(() => bench.remove())

/** Every file of the entry is what was packed, and nothing else is there. */
async function expectWhole({ directory }: ResolvedArchive) {
  expect(directory).toBe(join(bench.cacheDir, sha256(bytes), 'package'))
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter(file => file.isFile())
  expect(files.map(file => file.name).sort()).toEqual(['data.txt', 'index.js', 'package.json', 'pulsar-io.json'])
  expect(await readFile(join(directory, 'dist/index.js'), 'utf8')).toBe(moduleText())
  expect(await readFile(join(directory, 'dist/deep/er/data.txt'), 'utf8')).toBe('data')
  expect(await bench.cached()).toEqual([sha256(bytes)])
}

describe('the cache', () => {
  it('extracts once', async () => {
    const first = await provide()
    await expectWhole(first)
    const before = await stat(join(first.directory, 'dist/index.js'))
    const second = await provide()
    expect(second).toEqual(first)
    expect((await stat(join(first.directory, 'dist/index.js'))).ino).toBe(before.ino)
  })

  const damages: { [title: string]: (directory: string) => Promise<unknown> } = {
    'a file of another content and the same size': async directory => {
      const text = await readFile(join(directory, 'dist/index.js'), 'utf8')
      await writeFile(join(directory, 'dist/index.js'), text.replace('nothing', 'NOTHING'))
    },
    'a file cut off': directory => truncate(join(directory, 'dist/index.js'), 10),
    'a file removed': directory => rm(join(directory, 'dist/deep/er/data.txt')),
    'a folder removed': directory => rm(join(directory, 'dist'), { recursive: true }),
    'a file added': directory => writeFile(join(directory, 'dist/evil.js'), ''),
    'a changed manifest': directory => appendFile(join(directory, 'pulsar-io.json'), ' '),
    'a manifest that is no JSON': directory => writeFile(join(directory, 'pulsar-io.json'), '{'),
    'no marker': directory => rm(join(directory, '../complete.json')),
    'a marker that is no JSON': directory => writeFile(join(directory, '../complete.json'), ''),
    'a folder where a file was': async directory => {
      await rm(join(directory, 'dist/index.js'))
      await mkdir(join(directory, 'dist/index.js/inner'), { recursive: true })
    },
    'a file where a folder was': async directory => {
      await rm(join(directory, 'dist'), { recursive: true })
      await writeFile(join(directory, 'dist'), '')
    },
    'a file instead of the entry': async directory => {
      await rm(join(directory, '..'), { recursive: true })
      await writeFile(join(directory, '..'), '')
    },
    'an empty entry': async directory => {
      await rm(join(directory, '..'), { recursive: true })
      await mkdir(join(directory, '..'))
    },
  }
  for (const [title, damage] of Object.entries(damages)) {
    it(`puts right: ${title}`, async () => {
      await damage((await provide()).directory)
      await expectWhole(await provide())
    })
  }

  it('removes what a killed process left, and keeps what a live one is at', async () => {
    await provide()
    const dead = spawnSync(process.execPath, ['--version']).pid
    const names = { dead: tempName(dead), alive: tempName(process.pid), other: 'tmp-00000000-1-00' }
    for (const name of Object.values(names)) await mkdir(join(bench.cacheDir, name))
    const old = 'tmp-00000000-2-00'
    await mkdir(join(bench.cacheDir, old))
    await utimes(join(bench.cacheDir, old), new Date(0), new Date(0))
    await rm(join(bench.cacheDir, sha256(bytes)), { recursive: true })
    await provide()
    expect(await bench.cached()).toEqual([sha256(bytes), names.other, names.alive].sort())
  })

  it('says what to do when it cannot be written', async () => {
    const file = await bench.write('file', '')
    const refused = resolveArchive(path, { cacheDir: join(file, 'cache') })
    await expect(refused).rejects.toMatchObject({ code: 'PIO_ARCHIVE_CACHE' })
    await expect(refused).rejects.toThrow('set PULSAR_IO_CACHE to another folder')
  })

  it('is where the environment says', () => {
    expect(defaultCacheDir({ PULSAR_IO_CACHE: '/a' })).toBe('/a/archives')
    expect(defaultCacheDir({ XDG_CACHE_HOME: '/b' })).toBe('/b/pulsar-io/archives')
    expect(defaultCacheDir({})).toMatch(/pulsar-io\/archives$/)
  })
})
