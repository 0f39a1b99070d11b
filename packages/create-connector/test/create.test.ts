import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type Home, main } from '../src/index.ts'

const templates = fileURLToPath(new URL('../../../tooling/templates', import.meta.url))
const versions = { '@pulsar-io/sdk': '^1.2.3', zod: '^4.0.0' }

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'create-connector-'))
  const folder = cwd
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
})

async function create(args: readonly string[], home: Home = { type: 'alone', versions, license: 'The licence.' }) {
  let out = ''
  let err = ''
  const code = await main(args, {
    templates,
    home,
    cwd,
    print: text => {
      out += text
    },
    fail: text => {
      err += text
    },
  })
  return { code, out, err }
}

async function everything(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  return (await Promise.all(files.map(async file => `${file}\n${await readFile(file, 'utf8')}`))).join('\n')
}

describe('npm create pulsar-connector', () => {
  it.each(['sink', 'source'])('makes a %s in a folder of its own', async kind => {
    const { code, out } = await create([kind, 'redis-stream'])
    expect(code).toBe(0)
    expect(out).toContain('cd redis-stream')
    const folder = join(cwd, 'redis-stream')
    const facts = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object
    expect(facts).toMatchObject({ name: 'pulsar-io-connector-redis-stream', devDependencies: versions })
    expect(await readFile(join(folder, 'LICENSE'), 'utf8')).toBe('The licence.')
    const text = await everything(folder)
    expect(text).not.toMatch(/my-?system|workspace:|catalog:/i)
    expect(text).toContain(kind === 'sink' ? 'RedisStreamSink' : 'RedisStreamSource')
  })

  it('overwrites nothing', async () => {
    await mkdir(join(cwd, 'redis-stream'))
    await writeFile(join(cwd, 'redis-stream', 'mine.txt'), 'mine')
    const { code, err } = await create(['sink', 'redis-stream'])
    expect([code, err]).toEqual([2, expect.stringContaining('nothing is overwritten')])
    expect(await readdir(join(cwd, 'redis-stream'))).toEqual(['mine.txt'])
  })

  it.each([
    [[], ['say what to make']],
    [['snik', 'x'], ['did you mean sink?']],
    [
      ['snik', 'X_Y', 'z'],
      ['did you mean sink?', 'for example x-y', 'unexpected argument "z"'],
    ],
    [['sink'], ['the name is empty']],
    [['sink', 'x', '--bogus'], ["Unknown option '--bogus'"]],
  ])('tells all mistakes of %j', async (args, words) => {
    const { code, err, out } = await create(args)
    expect(code).toBe(2)
    for (const each of words) expect(err).toContain(each)
    expect(err).toContain('Usage: npm create pulsar-connector sink|source NAME')
    expect(out).toBe('')
    expect(await readdir(cwd)).toEqual([])
  })
})

describe('pnpm create-connector', () => {
  it('makes a package of the workspace, with its changeset', async () => {
    await mkdir(join(cwd, 'connectors', 'file'), { recursive: true })
    const home: Home = { type: 'workspace', root: cwd }
    expect((await create(['sink', 'file'], home)).err).toContain('there is a connector file already')
    expect((await create(['sink', 'redis-stream'], home)).code).toBe(0)
    const facts = JSON.parse(await readFile(join(cwd, 'connectors/redis-stream/package.json'), 'utf8')) as object
    expect(facts).toMatchObject({
      name: '@pulsar-io/connector-redis-stream',
      devDependencies: { '@pulsar-io/sdk': 'workspace:^', zod: 'catalog:' },
    })
    const changeset = await readFile(join(cwd, '.changeset/redis-stream-first.md'), 'utf8')
    expect(changeset).toBe("---\n'@pulsar-io/connector-redis-stream': minor\n---\n\nSink for Redis stream.\n")
  })

  it('makes nothing where a file is in the way', async () => {
    await mkdir(join(cwd, 'connectors'))
    await mkdir(join(cwd, '.changeset'))
    await writeFile(join(cwd, '.changeset/redis-stream-first.md'), 'mine')
    const { code, err } = await create(['sink', 'redis-stream'], { type: 'workspace', root: cwd })
    expect([code, err]).toEqual([2, expect.stringContaining('redis-stream-first.md')])
    expect(await readdir(join(cwd, 'connectors'))).toEqual([])
  })
})
