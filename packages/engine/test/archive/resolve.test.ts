import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkAllowed } from '../../src/archive/download.ts'
import { type ArchiveOptions, inspectArchive, loadConnector, resolveArchive } from '../../src/archive/index.ts'
import { Bench, connectorEntries, connectorTgz, moduleText, sha256, type Variation } from './make-archive.ts'

let bench: Bench
let options: ArchiveOptions
const bytes = connectorTgz()

beforeEach(async () => {
  bench = await Bench.create()
  options = { cwd: bench.dir, cacheDir: bench.cacheDir }
})
afterEach(() => bench.remove())

/** Writes the files of a connector into a folder, as npm installs them. */
async function install(folder: string, variation: Variation = {}) {
  for (const { path, content = '' } of connectorEntries(variation)) {
    const target = join(bench.dir, folder, path.slice('package/'.length))
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content)
  }
}

describe('a path', () => {
  it('is relative to cwd, absolute or a file:// address', async () => {
    const path = await bench.write('tiny.tgz', bytes)
    for (const reference of ['tiny.tgz', './tiny.tgz', path, pathToFileURL(path).href]) {
      const { archive, manifest, sha256: sum } = await resolveArchive(reference, options)
      expect({ archive, name: manifest.name, sum }).toEqual({ archive: path, name: 'tiny', sum: sha256(bytes) })
    }
  })

  it('that is missing is named absolutely, with a near name', async () => {
    await bench.write('elasticsearch.tgz', bytes)
    const refused = resolveArchive('elasticsaerch.tgz', options)
    await expect(refused).rejects.toMatchObject({ code: 'PIO_ARCHIVE_NOT_FOUND' })
    await expect(refused).rejects.toThrow(
      `${bench.dir}/elasticsaerch.tgz: there is no such file; did you mean elasticsearch.tgz?`,
    )
  })

  it('that is missing says what is there, or that nothing is', async () => {
    await expect(resolveArchive('x.tgz', options)).rejects.toThrow('there is no .tgz file in')
    await expect(resolveArchive('none/x.tgz', options)).rejects.toThrow(`folder ${bench.dir}/none does not exist`)
    await bench.write('elasticsearch.tgz', bytes)
    await expect(resolveArchive('kafka.tgz', options)).rejects.toThrow('there: elasticsearch.tgz')
    await expect(resolveArchive('.', options)).rejects.toThrow('folder without a package.json')
  })

  it('that never ends is not read', async () => {
    await expect(resolveArchive('/dev/zero', options)).rejects.toMatchObject({ code: 'PIO_ARCHIVE_FORMAT' })
  })

  it.each([
    ['', 'no archive is named'],
    ['s3://bucket/x.tgz', 's3:// is not supported'],
    ['builtin://../x', 'takes the name of a connector'],
    ['file://elsewhere/x.tgz', 'names no file of this machine'],
    ['https://', 'not a valid address'],
  ])('%j is refused as a reference', async (reference, words) => {
    const refused = resolveArchive(reference, options)
    await expect(refused).rejects.toMatchObject({ code: 'PIO_ARCHIVE_REFERENCE' })
    await expect(refused).rejects.toThrow(words)
  })
})

describe('builtin://', () => {
  it('finds a connector by the file, or by the name inside', async () => {
    await mkdir(join(bench.dir, 'connectors'))
    await bench.write('connectors/pulsar-io-connector-tiny-1.0.0.tgz', bytes)
    expect((await resolveArchive('builtin://tiny', options)).archive).toMatch(/tiny-1\.0\.0\.tgz$/)
    await bench.write('connectors/tiny.tgz', bytes)
    expect((await resolveArchive('builtin://tiny', options)).archive).toMatch(/connectors\/tiny\.tgz$/)
    await expect(resolveArchive('builtin://tinny', options)).rejects.toThrow('did you mean builtin://tiny?')
    await expect(resolveArchive('tiny', options)).rejects.toThrow('Did you mean builtin://tiny?')
    const connectorsDir = join(bench.dir, 'none')
    await expect(resolveArchive('builtin://tiny', { ...options, connectorsDir })).rejects.toThrow('--connectors-dir')
  })
})

describe('an installed package', () => {
  it('is found from below, by its whole name or the connector’s', async () => {
    await install('node_modules/@pulsar-io/connector-tiny')
    const cwd = join(bench.dir, 'a/b')
    await mkdir(cwd, { recursive: true })
    for (const name of ['@pulsar-io/connector-tiny', 'tiny']) {
      const resolved = await resolveArchive(name, { ...options, cwd })
      expect(resolved.directory).toMatch(/node_modules\/@pulsar-io\/connector-tiny$/)
      expect(resolved.sha256).toBeUndefined()
      expect((await loadConnector(resolved, 'sink')).name).toBe('tiny')
    }
    expect(await bench.cached()).toEqual([])
  })

  it('may be somebody’s own, and may have a node_modules', async () => {
    await install('node_modules/pulsar-io-connector-tiny')
    await mkdir(join(bench.dir, 'node_modules/pulsar-io-connector-tiny/node_modules/x'), { recursive: true })
    await bench.write('node_modules/pulsar-io-connector-tiny/node_modules/x/index.js', '')
    expect((await resolveArchive('pulsar-io-connector-tiny', options)).manifest.name).toBe('tiny')
  })

  it('is not a package of the same name that is no connector', async () => {
    await mkdir(join(bench.dir, 'node_modules/file'), { recursive: true })
    await bench.write('node_modules/file/package.json', '{"name":"file"}')
    await expect(resolveArchive('file', options)).rejects.toThrow('npm install @pulsar-io/connector-file')
  })

  it('is checked like an archive', async () => {
    await install('node_modules/tiny')
    await bench.write('node_modules/tiny/dist/index.js', moduleText('evil'))
    await expect(resolveArchive('tiny', options)).rejects.toMatchObject({ code: 'PIO_ARCHIVE_CHECKSUM' })
    await rm(join(bench.dir, 'node_modules/tiny/dist/index.js'))
    await expect(resolveArchive('tiny', options)).rejects.toMatchObject({ code: 'PIO_ARCHIVE_INCOMPLETE' })
    await expect(resolveArchive(`tiny#sha256=${'0'.repeat(64)}`, options)).rejects.toThrow('Give the .tgz file')
  })

  it('must not list files outside', async () => {
    const files = Object.fromEntries(
      ['package.json', '../../../evil.js', '/evil.js'].map(path => [path, '0'.repeat(64)]),
    )
    await install('node_modules/tiny', { manifest: { entry: '../../../evil.js', files } })
    const refused = resolveArchive('tiny', options)
    await expect(refused).rejects.toMatchObject({ code: 'PIO_ARCHIVE_MANIFEST' })
    for (const path of ['"../../../evil.js"', '"/evil.js"'])
      await expect(refused).rejects.toThrow(`files: ${path} is not`)
  })

  it('may be a folder under development, whose manifest is in its code', async () => {
    const name = 'pulsar-io-connector-tiny'
    const facts = { name, version: '3.0.0', type: 'module', exports: './src/index.js', pulsarIo: { apiLevel: 1 } }
    await mkdir(join(bench.dir, 'work/src'), { recursive: true })
    await bench.write('work/package.json', JSON.stringify(facts))
    await expect(resolveArchive('./work', options)).rejects.toMatchObject({ code: 'PIO_ARCHIVE_INCOMPLETE' })
    await bench.write('work/src/index.js', moduleText())
    const resolved = await resolveArchive('./work', options)
    expect(resolved.manifest).toMatchObject({ name: 'tiny', version: '3.0.0', kinds: ['sink'], entry: 'src/index.js' })
    expect((await loadConnector(resolved, 'sink')).name).toBe('tiny')
  })
})

describe('an address', () => {
  let server: Server
  let base: string
  let answer: RequestListener
  const requests: string[] = []
  beforeEach(async () => {
    requests.length = 0
    answer = (_, response) => response.end(bytes)
    server = createServer((request, response) => {
      requests.push(request.url ?? '')
      answer(request, response)
    })
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(() => new Promise(done => server.close(done)))

  it('is refused by default, before anything is asked of it', async () => {
    const refused = resolveArchive(`${base}/tiny.tgz?token=secret`, options)
    await expect(refused).rejects.toMatchObject({ code: 'PIO_ARCHIVE_URL_DENIED' })
    await expect(refused).rejects.toThrow('(none is)')
    await expect(refused).rejects.not.toThrow('secret')
    expect(requests).toEqual([])
  })

  it('is fetched when it is allow-listed', async () => {
    const resolved = await resolveArchive(`${base}/c/tiny.tgz`, { ...options, allowedUrls: [`${base}/c/`] })
    expect(resolved).toMatchObject({ archive: `${base}/c/tiny.tgz`, sha256: sha256(bytes) })
    expect((await loadConnector(resolved, 'sink')).name).toBe('tiny')
  })

  it('is not asked when it is pinned and in the cache', async () => {
    const reference = `${base}/tiny.tgz#sha256=${sha256(bytes)}`
    await resolveArchive(reference, { ...options, allowedUrls: [base] })
    await resolveArchive(reference, { ...options, allowedUrls: [base] })
    expect(requests).toEqual(['/tiny.tgz'])
    // Still only for those who may.
    await expect(resolveArchive(reference, options)).rejects.toMatchObject({ code: 'PIO_ARCHIVE_URL_DENIED' })
  })

  it('may redirect inside the allow-list only', async () => {
    answer = ({ url }, response) => {
      if (url === '/c/moved.tgz') response.writeHead(302, { location: '/c/tiny.tgz' }).end()
      else if (url === '/c/away.tgz') response.writeHead(302, { location: '/other/tiny.tgz' }).end()
      else if (url === '/c/loop.tgz') response.writeHead(302, { location: '/c/loop.tgz' }).end()
      else response.end(bytes)
    }
    const allowed = { ...options, allowedUrls: [`${base}/c/`] }
    expect((await resolveArchive(`${base}/c/moved.tgz`, allowed)).manifest.name).toBe('tiny')
    requests.length = 0
    const refused = resolveArchive(`${base}/c/away.tgz`, allowed)
    await expect(refused).rejects.toMatchObject({ code: 'PIO_ARCHIVE_URL_DENIED' })
    await expect(refused).rejects.toThrow(`redirects to ${base}/other/tiny.tgz`)
    expect(requests).toEqual(['/c/away.tgz'])
    await expect(resolveArchive(`${base}/c/loop.tgz`, allowed)).rejects.toThrow('more than 5 redirects')
  })

  it('is bounded in size, and says what the server said', async () => {
    const allowed = { ...options, allowedUrls: [base], limits: { archiveBytes: 1_000 } }
    answer = (_, response) => response.end(Buffer.alloc(100_000))
    await expect(resolveArchive(`${base}/big.tgz`, allowed)).rejects.toMatchObject({ code: 'PIO_ARCHIVE_LIMIT' })
    answer = (_, response) => response.writeHead(404).end()
    await expect(resolveArchive(`${base}/none.tgz`, allowed)).rejects.toThrow('answered 404 Not Found')
    answer = (_, response) => response.socket?.destroy()
    await expect(resolveArchive(`${base}/broken.tgz`, allowed)).rejects.toMatchObject({ code: 'PIO_ARCHIVE_DOWNLOAD' })
    expect(await bench.cached()).toEqual([])
  })

  it.each([
    ['https://a.test/c/x.tgz', 'https://a.test/c', true],
    ['https://a.test/c/x.tgz', 'https://a.test', true],
    ['https://a.test/c-evil/x.tgz', 'https://a.test/c', false],
    ['https://a.test.evil.test/c/x.tgz', 'https://a.test', false],
    ['https://a.test@evil.test/c/x.tgz', 'https://a.test', false],
    ['http://a.test/c/x.tgz', 'https://a.test/c', false],
    ['https://a.test:444/c/x.tgz', 'https://a.test/c', false],
    ['https://a.test/c/../x.tgz', 'https://a.test/c', false],
    ['https://a.test/c/%2e%2e/x.tgz', 'https://a.test/c', false],
    ['https://a.test/c/..%2fx.tgz', 'https://a.test/c', false],
    ['https://user@a.test/c/x.tgz', 'https://a.test/c', false],
    ['ftp://a.test/c/x.tgz', 'ftp://a.test/c', false],
  ])('%s below %s: %s', (url, prefix, allowed) => {
    const check = () => checkAllowed(new URL(url), [prefix])
    if (allowed) expect(check).not.toThrow()
    else expect(check).toThrow()
  })
})

describe('loadConnector', () => {
  const load = async (variation: Variation, kind: 'sink' | 'source' = 'sink') =>
    loadConnector(await resolveArchive(await bench.write('tiny.tgz', connectorTgz(variation)), options), kind)

  it('loads what the manifest says', async () => {
    expect(await load({})).toMatchObject({ kind: 'sink', name: 'tiny', apiLevel: 1 })
  })

  it('refuses an entry that throws, with the cause', async () => {
    const refused = load({ files: { 'dist/index.js': 'throw new TypeError("no such table")' } })
    await expect(refused).rejects.toMatchObject({ code: 'PIO_ARCHIVE_LOAD', cause: expect.any(TypeError) })
    await expect(refused).rejects.toThrow('dist/index.js of tiny@1.0.0 fails while it loads (no such table)')
  })

  it.each([
    ['no definition', 'export default { kind: "sink" }', 'is not what defineSink'],
    ['another name', moduleText('other'), 'the manifest names it tiny, but its code names it other'],
    ['another kind', moduleText().replace("'sink'", "'source'"), 'is a source, not a sink'],
    ['another level', moduleText().replace('apiLevel: 1', 'apiLevel: 2'), 'but its code says 2'],
  ])('refuses an entry with %s', async (_, text, words) => {
    const refused = load({ files: { 'dist/index.js': text } })
    await expect(refused).rejects.toMatchObject({ code: 'PIO_ARCHIVE_LOAD' })
    await expect(refused).rejects.toThrow(words)
  })

  it('says which kind it is, and how to run that', async () => {
    const refused = load({}, 'source')
    await expect(refused).rejects.toMatchObject({ code: 'PIO_ARCHIVE_KIND' })
    await expect(refused).rejects.toThrow('tiny is a sink, not a source. Run it with `sinks localrun`')
  })
})

describe('inspectArchive', () => {
  it('tells size, sum and files, and extracts nothing', async () => {
    const inspection = await inspectArchive(await bench.write('tiny.tgz', bytes), options)
    expect(inspection).toMatchObject({ size: bytes.length, sha256: sha256(bytes), manifest: { name: 'tiny' } })
    expect(inspection.files.map(file => file.path)).toEqual(['dist/index.js', 'package.json', 'pulsar-io.json'])
    expect(await bench.cached()).toEqual([])
  })
})
