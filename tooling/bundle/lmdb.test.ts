import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { open } from 'lmdb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeBundle } from '../esbuild.ts'
import { bundledLmdb } from './lmdb.ts'

/** Keys of every kind that takes a way of its own through the key encoder. */
const KEYS = [
  ...['', 'a', 'persistent://public/default/topic', 'ünïcödé 主题 🚀', 'long '.repeat(60), '主'.repeat(90)],
  ...[0, -1, 1.5, 2 ** 40, -(2 ** 33), true, false],
  ...[
    [1, 'two', 3],
    ['主题', -7, 'ä'.repeat(70)],
    ['a', 'b', 'c', 'd'],
  ],
]

/** Code in front with the names that the key encoder evaluates: a bundler gives the later ones other names. */
const NAMESAKES = 'let position = Math.random(), readString = position; console.assert(position, readString)'
/** Writes keys with their places in the list, or prints what is there. */
const PROGRAM = `
import 'data:text/javascript,${encodeURIComponent(NAMESAKES)}'
import { open } from 'lmdb'
const [path, keys] = process.argv.slice(2)
const root = open({ path, encoding: 'binary' })
const db = root.openDB('keys', { encoding: 'json' })
if (keys) await Promise.all(JSON.parse(keys).map((key, i) => db.put(key, i)))
else console.log(JSON.stringify([...db.getRange()].map(({ key, value }) => [value, key])))
await root.close()
`

let folder: string
const program = join(import.meta.dirname, `.lmdb-test-${process.pid}.mjs`)
const bundled = async (...args: string[]) =>
  (await promisify(execFile)(process.execPath, [program, ...args], { timeout: 20_000 })).stdout

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundled-lmdb-'))
  const stdin = { contents: PROGRAM, resolveDir: import.meta.dirname }
  await build({
    ...nodeBundle,
    stdin,
    outfile: program,
    bundle: true,
    legalComments: 'none',
    plugins: [bundledLmdb],
  })
})
afterAll(async () => {
  await rm(program)
  await rm(folder, { recursive: true, force: true })
})

describe('lmdb in a bundle', () => {
  const inOrder = (found: [number, unknown][]) => found.sort(([a], [b]) => a - b).map(([, key]) => key)

  it('reads what lmdb as it is has written', async () => {
    const path = join(folder, 'theirs')
    const root = open({ path, encoding: 'binary' })
    const db = root.openDB<number>('keys', { encoding: 'json' })
    await Promise.all(KEYS.map((key, i) => db.put(key, i)))
    await root.close()
    expect(inOrder(JSON.parse(await bundled(path)))).toEqual(KEYS)
  })

  it('writes what lmdb as it is reads', async () => {
    const path = join(folder, 'ours')
    await bundled(path, JSON.stringify(KEYS))
    const root = open({ path, encoding: 'binary' })
    const db = root.openDB<number>('keys', { encoding: 'json' })
    expect(inOrder([...db.getRange()].map(({ key, value }) => [value, key]))).toEqual(KEYS)
    await root.close()
  })

  it('fails to build where lmdb finds its native part in another way', async () => {
    await mkdir(join(folder, 'lmdb'))
    await writeFile(join(folder, 'lmdb', 'native.js'), 'export const open = 1\n')
    const stdin = { contents: `export { open } from './lmdb/native.js'`, resolveDir: folder }
    const building = build({
      ...nodeBundle,
      stdin,
      bundle: true,
      write: false,
      legalComments: 'none',
      plugins: [bundledLmdb],
    })
    await expect(building).rejects.toThrow('see how it finds its native part now')
  })
})
