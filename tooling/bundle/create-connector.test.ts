import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inspectArchive, lintArchive } from '../../packages/engine/src/archive/index.ts'
import { bundleCreateConnector } from './create-connector.ts'

const tooling = resolve(import.meta.dirname, '..')
const run = promisify(execFile)
// Whether the outer run has colours must not change what the inner one prints.
const uncoloured = { FORCE_COLOR: undefined, NO_COLOR: '1' }
const environment = { ...process.env, ...uncoloured, NODE_OPTIONS: '', VITEST: undefined, VITEST_POOL_ID: undefined }

/** Resolves packages to their sources, as they are at the moment; a user has them installed. */
const CONFIG = `
const conditions = ['pulsar-io-source', 'node', 'import', 'default']
export default { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: conditions } } }
`

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'create-pulsar-connector-'))
  await symlink(join(tooling, 'node_modules'), join(dir, 'node_modules'))
  await bundleCreateConnector(join(dir, 'package'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

describe.each(['sink', 'source'])('a %s made outside the repository', kind => {
  const name = `redis-${kind}-stream`

  it('is made, keeps its promises, packs, and has nothing to be complained of', { timeout: 120_000 }, async () => {
    const folder = join(dir, name)
    await rm(folder, { recursive: true, force: true })
    const node = (cwd: string, ...args: string[]) => run(process.execPath, args, { cwd, env: environment })
    await node(dir, join(dir, 'package/bundle/create.js'), kind, name)
    await writeFile(join(folder, 'vitest.config.js'), CONFIG)
    const vitest = resolve(tooling, '../node_modules/vitest/vitest.mjs')
    const tests = await node(folder, vitest, 'run', '--root', folder, '--reporter=dot')
    expect(tests.stdout).toMatch(/Tests +\d+ passed/)
    const packed = await node(folder, join(dir, 'package/bundle/pack.js'), 'pack')
    expect(packed.stdout).toMatch(new RegExp(`^${name}\\.tgz  0\\.1\\.0  `))
    const archive = join(folder, `${name}.tgz`)
    expect((await inspectArchive(archive)).manifest).toMatchObject({ name, kinds: [kind] })
    expect(await lintArchive(archive, { cacheDir: join(dir, 'cache') })).toEqual([])
  })
})
