import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { API_LEVELS, type ArchiveInspection, inspectArchive } from '../../packages/engine/src/archive/index.ts'
import { packConnector } from '../../tooling/pack/pack-connector.ts'
import { connectorFolders, ECHO, finishLoader, outsideFolder, start, startLoader, startProgram } from './outside.ts'

/** Bytes that an archive may have: some drivers are large by themselves, the others stay far below. */
const SIZE_LIMITS: { readonly [name: string]: number } = {
  cassandra: 500_000,
  elasticsearch: 500_000,
  kafka: 500_000,
  default: 200_000,
}

const folders = [...(await connectorFolders()), ECHO]

describe.each(folders.map(folder => [basename(folder), folder] as const))('the archive of %s', (name, folder) => {
  let outside: Awaited<ReturnType<typeof outsideFolder>>
  let archive: string
  let inspection: ArchiveInspection
  beforeAll(async () => {
    outside = await outsideFolder()
    archive = join(outside.dir, `${name}.tgz`)
    await packConnector(folder, archive)
    inspection = await inspectArchive(archive)
  })
  afterAll(() => outside.remove())

  it('loads outside the repository', async () => {
    expect(inspection.manifest.kinds.length).toBeGreaterThan(0)
    for (const kind of inspection.manifest.kinds) {
      const loaded = await finishLoader(
        await startLoader(`./${name}.tgz`, kind, join(outside.dir, 'cache'), outside.dir),
      )
      expect(loaded).toMatchObject({ name, kind, apiLevel: 1, refused: { ok: false } })
      expect(loaded.directory).toMatch(outside.dir)
    }
  })

  it('has the same bytes when it is packed again, whatever the clock, the umask and the folder', async () => {
    const again = join(outside.dir, 'again', `${name}.tgz`)
    const packing = startProgram('pack', [folder, again, '077'], outside.dir, { TZ: 'Asia/Tokyo', LC_ALL: 'C' })
    packing.child.stdin?.end()
    expect(await packing.ended).toMatchObject({ code: 0, stderr: '' })
    expect((await readFile(again)).equals(await readFile(archive))).toBe(true)
  })

  it('holds what it should, and nothing of the machine', async () => {
    const paths = inspection.files.map(file => file.path)
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'dist/index.js', 'package.json', 'pulsar-io.json']))
    const unpacked = gunzipSync(await readFile(archive)).toString('latin1')
    const traces = [process.cwd(), '.pnpm/', process.execPath]
    expect(traces.filter(trace => unpacked.includes(trace))).toEqual([])
    // Part of zod is in every connector, so its licence has to be.
    expect(/zod@\d+\.\d+\.\d+ \(MIT\)/.test(unpacked)).toBe(true)
  })

  it('is small', () => {
    expect(inspection.size).toBeLessThanOrEqual(SIZE_LIMITS[name] ?? SIZE_LIMITS.default ?? 0)
  })

  it('is installed by npm without a network, is imported, and is found by its name', async () => {
    const project = join(outside.dir, 'project')
    await mkdir(project)
    await writeFile(join(project, 'package.json'), '{"name":"project","version":"1.0.0","private":true}')
    await copyFile(archive, join(project, 'connector.tgz'))
    const flags = ['--offline', '--no-audit', '--no-fund', '--cache', join(outside.dir, 'npm-cache')]
    const npm = start('npm', ['install', ...flags, './connector.tgz'], project)
    npm.child.stdin?.end()
    const installed = await npm.ended
    expect(installed.code, installed.stderr).toBe(0)

    const { name: packageName } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    const code = `const module = await import('${packageName}'); console.log(Object.values(module).map(each => each.name).join())`
    const node = start(process.execPath, ['--input-type=module', '-e', code], project)
    node.child.stdin?.end()
    const imported = await node.ended
    expect(imported).toMatchObject({ code: 0, stderr: '' })
    expect(imported.stdout.split(/[,\n]/)).toContain(name)

    const [kind = ''] = inspection.manifest.kinds
    const loaded = await finishLoader(await startLoader(packageName, kind, join(outside.dir, 'unused'), project))
    expect(loaded.directory).toBe(join(project, 'node_modules', packageName))
  })
})

describe('an archive and its npm package', () => {
  it('are the same bytes', async () => {
    const outside = await outsideFolder()
    try {
      const archive = join(outside.dir, 'echo.tgz')
      await packConnector(ECHO, archive)
      const bytes = await readFile(archive)
      const npm = start('npm', ['pack', './echo.tgz', '--json', '--offline', '--pack-destination', 'out'], outside.dir)
      await mkdir(join(outside.dir, 'out'))
      npm.child.stdin?.end()
      const ended = await npm.ended
      expect(ended.code, ended.stderr).toBe(0)
      const [packed] = JSON.parse(ended.stdout) as { filename: string; integrity: string }[]
      expect(packed?.integrity).toBe(`sha512-${createHash('sha512').update(bytes).digest('base64')}`)
      const published = await readFile(join(outside.dir, 'out', packed?.filename ?? ''))
      expect(published.equals(bytes)).toBe(true)
    } finally {
      await outside.remove()
    }
  })
})

describe('an archive of API level 1', () => {
  // Packed by the first release that had level 1, and never again: it stands for the archives that people have.
  const LEVEL_1 = join(import.meta.dirname, 'fixtures/level-1.tgz')

  it('keeps loading as long as the runtime says that it takes level 1', async () => {
    expect(API_LEVELS.min).toBe(1)
    expect((await inspectArchive(LEVEL_1)).sha256).toBe(
      'dbfcae9f2dba874ef7615bf6c7b537085b99b3197c37dec01401f3a82ab55509',
    )
    const outside = await outsideFolder()
    try {
      for (const kind of ['sink', 'source'] as const) {
        const cache = join(outside.dir, 'cache')
        const loaded = await finishLoader(await startLoader(LEVEL_1, kind, cache, outside.dir))
        expect(loaded).toMatchObject({ name: 'echo', kind, apiLevel: 1, refused: { ok: false } })
      }
    } finally {
      await outside.remove()
    }
  })
})

describe('a packed connector', () => {
  it('reads the files that are carried along', async () => {
    const outside = await outsideFolder()
    try {
      const archive = join(outside.dir, 'echo.tgz')
      await packConnector(ECHO, archive)
      const loaded = await finishLoader(await startLoader(archive, 'sink', join(outside.dir, 'cache'), outside.dir))
      const { greeting } = await import(join(String(loaded.directory), 'dist/index.js'))
      expect(await greeting()).toBe('hello\n')
    } finally {
      await outside.remove()
    }
  })
})
