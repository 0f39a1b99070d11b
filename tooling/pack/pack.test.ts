import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectArchive } from '../../packages/engine/src/archive/index.ts'
import { packConnector } from './pack-connector.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pulsar-io-pack-test-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const definition = (name = 'tiny', kind = 'sink') => `{
  kind: '${kind}', apiLevel: 1, name: '${name}', summary: 'Does nothing.', delivery: 'at-least-once',
  parse: config => ({ ok: true, config }), jsonSchema: () => ({}), create: () => ({}),
}`

/** Writes a connector's folder and packs it. */
async function pack(files: { readonly [path: string]: string }, facts: object = {}) {
  const packageJson = {
    name: 'pulsar-io-connector-tiny',
    version: '1.0.0',
    description: 'Does nothing.',
    license: 'Apache-2.0',
    pulsarIo: { apiLevel: 1 },
    ...facts,
  }
  const all = {
    'package.json': JSON.stringify(packageJson),
    LICENSE: 'The licence.',
    'src/index.ts': `export default ${definition()}`,
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(dir, 'tiny', path)), { recursive: true })
    await writeFile(join(dir, 'tiny', path), text)
  }
  return packConnector(join(dir, 'tiny'), join(dir, 'out/tiny.tgz'))
}

describe('packConnector', () => {
  it('makes an archive that the runtime takes', async () => {
    const packed = await pack({})
    const { manifest, sha256, size, files } = await inspectArchive(packed.path)
    expect({ sha256, size }).toEqual({ sha256: packed.sha256, size: packed.size })
    expect(manifest).toMatchObject({ name: 'tiny', kinds: ['sink'], sink: { export: 'default' } })
    expect(files.map(file => file.path)).toEqual([
      'LICENSE',
      'dist/index.js',
      'package.json',
      'pulsar-io.json',
      'sbom.cdx.json',
    ])
    expect(await readdir(join(dir, 'out'))).toEqual(['tiny.tgz'])
  })

  it('names the licences of what it bundled, CommonJS included, and keeps what the sources ask for', async () => {
    const packed = await pack({
      'src/index.ts': `import dep from 'dep'; import 'unused'; export default { ...${definition()}, where: dep.where }`,
      'node_modules/dep/package.json': '{"name":"dep","version":"2.0.0","license":"MIT"}',
      'node_modules/dep/LICENSE.md': 'The text of dep.',
      'node_modules/dep/index.js':
        '/*! Copyright dep */ const { sep } = require("node:path"); exports.where = __dirname + sep + __filename',
      'node_modules/unused/package.json': '{"name":"unused","version":"1.0.0","license":"MIT","sideEffects":false}',
      'node_modules/unused/index.js': 'export const unused = 1',
    })
    const { files } = await inspectArchive(packed.path)
    expect(files.map(file => file.path)).toContain('THIRD-PARTY-LICENSES.txt')
    const { thirdPartyLicenses } = await import('./licenses.ts')
    const text = await thirdPartyLicenses(
      packed.inputs.filter(path => path.includes('/dep/')),
      'Copyright dep',
    )
    for (const words of ['dep@2.0.0 (MIT)', 'The text of dep.', 'Copyright dep']) expect(text).toContain(words)
  })

  it('carries assets along, of its own and of packages', async () => {
    const packed = await pack(
      {
        'own.txt': 'own',
        'node_modules/dep/package.json': '{"name":"dep","version":"2.0.0"}',
        'node_modules/dep/codec.wasm': 'wasm',
      },
      { pulsarIo: { apiLevel: 1, assets: { 'dist/own.txt': './own.txt', 'dist/codec.wasm': 'dep/codec.wasm' } } },
    )
    const paths = (await inspectArchive(packed.path)).files.map(file => file.path)
    expect(paths).toEqual(expect.arrayContaining(['dist/own.txt', 'dist/codec.wasm']))
  })

  it('carries along what packages read beside themselves, also two files of one name, and it is found there', async () => {
    const reads = (reference: string) =>
      `import { readFileSync } from 'node:fs'\nexport const text = readFileSync(new URL('${reference}', import.meta.url), 'utf8')`
    const packed = await pack({
      'src/index.ts': `import { text as a } from 'a'; import { text as b } from 'b'
        const more = new URL('./not-there.bin', import.meta.url)
        export default { ...${definition()}, summary: a + b + more.pathname.endsWith('not-there.bin') }`,
      'node_modules/a/package.json': '{"name":"a","version":"1.0.0","type":"module","exports":"./dist/a.js"}',
      'node_modules/a/dist/a.js': reads('../data/table.bin'),
      'node_modules/a/data/table.bin': 'of a, ',
      'node_modules/b/package.json': '{"name":"b","version":"1.0.0","type":"module","exports":"./b.js"}',
      'node_modules/b/b.js': reads('./table.bin'),
      'node_modules/b/table.bin': 'of b, ',
    })
    const { manifest, files } = await inspectArchive(packed.path)
    // Loaded where no node_modules is in sight: what the definition says was read from the archive's own files.
    expect(manifest.sink?.summary).toBe('of a, of b, true')
    const carried = files.map(file => file.path).filter(path => path.includes('table'))
    expect(carried).toEqual([
      expect.stringMatching(/^dist\/table-[0-9a-f]{8}\.bin$/),
      expect.stringMatching(/^dist\/table-[0-9a-f]{8}\.bin$/),
    ])
    for (const path of carried) expect(manifest.files).toHaveProperty([path])
    expect(packed.inputs).toContain(join(dir, 'tiny/node_modules/a/data/table.bin'))
  })

  it.each([
    ['a native add-on', `import './addon.node'; export default ${definition()}`, 'addon.node is a native add-on'],
    [
      'a loader of native add-ons',
      `import 'bindings'; export default ${definition()}`,
      'bindings loads a native add-on',
    ],
    ['a missing import', `import 'no-such-package'; export default ${definition()}`, 'no-such-package'],
    ['no definition', 'export const x = 1', 'it exports no connector'],
    ['two sinks', `export const a = ${definition()}; export const b = ${definition()}`, 'it exports 2 sinks (a, b)'],
    ['two names', `export const a = ${definition()}; export const b = ${definition('b', 'source')}`, 'b is named b'],
    ['a name unlike its folder', `export default ${definition('other')}`, 'named other, but the folder tiny'],
  ])('refuses %s and writes nothing', async (_, source, words) => {
    const files = {
      'src/index.ts': source,
      'src/addon.node': '',
      'node_modules/bindings/package.json': '{"name":"bindings","version":"1.0.0"}',
      'node_modules/bindings/index.js': '',
    }
    await expect(pack(files)).rejects.toThrow(words)
    expect(await readdir(dir)).toEqual(['tiny'])
  })

  it('names everything that package.json lacks', async () => {
    const refused = pack({}, { description: '', pulsarIo: {} })
    await expect(refused).rejects.toThrow('description is missing')
    await expect(refused).rejects.toThrow('pulsarIo.apiLevel is missing')
  })
})
