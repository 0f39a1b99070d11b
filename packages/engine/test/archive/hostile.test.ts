import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type ArchiveError,
  type ArchiveLimits,
  isArchiveError,
  listConnectors,
  resolveArchive,
} from '../../src/archive/index.ts'
import {
  Bench,
  connectorEntries,
  connectorTgz,
  type Entry,
  encodeEntry,
  sha256,
  tgz,
  type Variation,
} from './make-archive.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.create()
})
afterEach(() => bench.remove())

/** Resolves an archive that has to be refused; checks what is true of every refusal. */
async function refusal(bytes: string | Uint8Array, limits?: Partial<ArchiveLimits>): Promise<ArchiveError> {
  const path = await bench.write('bad.tgz', bytes)
  const error = await resolveArchive(path, { cacheDir: bench.cacheDir, limits }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isArchiveError(error)) throw new Error(`not refused, but: ${error}`, { cause: error })
  expect(error.retry).toBe('stop')
  expect(error.archive).toBe(path)
  expect(error.message).toContain(path)
  expect(await bench.cached(), 'nothing is left behind').toEqual([])
  return error
}

const extra = (...entries: Entry[]) => connectorTgz({ extra: entries })

describe('entries that could leave the folder', () => {
  const paths = {
    'a parent': 'package/../../evil.js',
    'a parent at the end': 'package/dist/..',
    'a parent alone': '../evil.js',
    'an absolute path': '/etc/evil',
    'a drive': 'C:/evil.js',
    'a drive below': 'package/c:evil.js',
    backslashes: 'package\\..\\..\\evil.js',
    'outside package/': 'evil.js',
    'a prefix of package': 'package-evil/x.js',
    'an empty part': 'package//evil.js',
    'a dot part': 'package/./evil.js',
    'the folder itself': 'package',
    'a line break': 'package/a\nb.js',
  }
  for (const [title, path] of Object.entries(paths)) {
    it(`refuses ${title}`, async () => {
      const error = await refusal(extra({ path, content: 'evil' }))
      expect(error.code).toBe('PIO_ARCHIVE_PATH')
      expect(error.message).toContain(JSON.stringify(path))
    })
  }

  it('says what is wrong with a path', async () => {
    const reasons = { '/etc/evil': 'is an absolute path', 'package/../x': 'leaves the package by ".."' }
    for (const [path, words] of Object.entries(reasons)) {
      expect((await refusal(extra({ path, content: 'evil' }))).message).toContain(words)
    }
  })

  it('refuses a parent that hides in an extended header', async () => {
    const pax = (path: string) => {
      const line = ` path=${path}\n`
      const length = line.length + String(line.length + 2).length
      return `${length}${line}`
    }
    const error = await refusal(
      extra(
        { path: 'PaxHeader/x', type: 'ExtendedHeader', content: pax('package/../../evil.js') },
        { path: 'package/harmless.js', content: 'evil' },
      ),
    )
    expect(error.code).toBe('PIO_ARCHIVE_PATH')
  })

  it('refuses an escaping folder', async () => {
    const error = await refusal(extra({ path: 'package/../../evil/', type: 'Directory' }))
    expect(error.code).toBe('PIO_ARCHIVE_PATH')
  })
})

describe('entries that are no files', () => {
  it.each([
    ['SymbolicLink', 'symbolic link to "/etc/passwd"'],
    ['Link', 'hard link to "/etc/passwd"'],
  ] as const)('refuses a %s', async (type, words) => {
    const error = await refusal(extra({ path: 'package/dist/link.js', type, linkpath: '/etc/passwd' }))
    expect(error.code).toBe('PIO_ARCHIVE_LINK')
    expect(error.message).toContain(words)
  })

  it('refuses a link in front of the manifest', async () => {
    const link: Entry = { path: 'package/dist', type: 'SymbolicLink', linkpath: '/tmp' }
    expect((await refusal(tgz([link, ...connectorEntries()]))).code).toBe('PIO_ARCHIVE_LINK')
  })

  it.each(['CharacterDevice', 'BlockDevice', 'FIFO'] as const)('refuses a %s', async type => {
    const error = await refusal(extra({ path: 'package/dev', type }))
    expect(error.code).toBe('PIO_ARCHIVE_TYPE')
    expect(error.message).toContain(type)
  })

  it('refuses a type it does not know', async () => {
    const entry = encodeEntry({ path: 'package/odd', content: 'x' })
    entry.write('Z', 156)
    const sum = entry
      .fill(' ', 148, 156)
      .subarray(0, 512)
      .reduce((a, b) => a + b, 0)
    entry.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const bytes = gzipSync(Buffer.concat([...connectorEntries().map(encodeEntry), entry, Buffer.alloc(1024)]))
    expect((await refusal(bytes)).code).toBe('PIO_ARCHIVE_TYPE')
  })
})

describe('entries that collide', () => {
  it.each([
    ['twice', 'package/dist/index.js'],
    ['by case', 'package/dist/INDEX.js'],
    ['by the case of a folder', 'package/Dist/other.js'],
    ['a folder where a file is', 'package/dist/index.js/x'],
    ['a file where a folder is', 'package/dist'],
  ])('refuses one that is there already: %s', async (_, path) => {
    expect((await refusal(extra({ path, content: 'x' }))).code).toBe('PIO_ARCHIVE_DUPLICATE')
  })

  it('refuses letters that compose to the same', async () => {
    const error = await refusal(
      extra({ path: 'package/\u00e9.js', content: 'x' }, { path: 'package/e\u0301.js', content: 'x' }),
    )
    expect(error.code).toBe('PIO_ARCHIVE_DUPLICATE')
  })
})

describe('sizes', () => {
  it('refuses a bomb by its ratio', async () => {
    const error = await refusal(extra({ path: 'package/zeros', content: Buffer.alloc(12 * 1024 * 1024) }))
    expect(error.code).toBe('PIO_ARCHIVE_LIMIT')
    expect(error.message).toContain('100 times its size')
  })

  it('refuses too many bytes', async () => {
    const error = await refusal(extra({ path: 'package/big', content: Buffer.alloc(70_000) }), {
      unpackedBytes: 65_536,
    })
    expect(error.code).toBe('PIO_ARCHIVE_LIMIT')
    expect(error.message).toContain('64.0 KiB')
  })

  it('counts what follows the end mark', async () => {
    const bytes = gzipSync(Buffer.concat([gunzipSync(connectorTgz()), Buffer.alloc(20 * 1024 * 1024)]))
    expect((await refusal(bytes)).code).toBe('PIO_ARCHIVE_LIMIT')
  })

  it('refuses a header that promises more than it holds', async () => {
    const entry = encodeEntry({ path: 'package/big', size: 8 * 1024 ** 3 - 1 })
    const bytes = gzipSync(Buffer.concat([...connectorEntries().map(encodeEntry), entry]))
    expect((await refusal(bytes)).code).toBe('PIO_ARCHIVE_CORRUPT')
  })

  it('refuses too many entries, folders and headers included', async () => {
    const many = Array.from({ length: 2_000 }, (_, i): Entry => ({ path: `package/f${i}/`, type: 'Directory' }))
    const error = await refusal(extra(...many))
    expect(error.code).toBe('PIO_ARCHIVE_LIMIT')
    expect(error.message).toContain('2000 entries')
  })

  it('refuses a file that is larger than any archive', async () => {
    const error = await refusal(connectorTgz(), { archiveBytes: 100 })
    expect(error.code).toBe('PIO_ARCHIVE_LIMIT')
    expect(error.message).toContain('100 bytes')
  })

  it('refuses a huge manifest before it is kept', async () => {
    const error = await refusal(connectorTgz({ manifest: { description: 'x'.repeat(10_000) } }), {
      manifestBytes: 5_000,
    })
    expect(error.code).toBe('PIO_ARCHIVE_LIMIT')
  })
})

describe('damage', () => {
  it('refuses an archive cut off anywhere', async () => {
    const whole = connectorTgz()
    for (let length = 2; length < whole.length; length += 97) {
      expect((await refusal(whole.subarray(0, length))).code, `${length} bytes`).toBe('PIO_ARCHIVE_CORRUPT')
    }
  })

  it('refuses a tar cut off inside a whole gzip', async () => {
    const tar = gunzipSync(connectorTgz())
    for (const length of [100, 512, 700, tar.length - 1024]) {
      expect((await refusal(gzipSync(tar.subarray(0, length)))).code, `${length} bytes`).toBe('PIO_ARCHIVE_CORRUPT')
    }
  })

  it('refuses a flipped bit in a header', async () => {
    const tar = gunzipSync(connectorTgz())
    tar[3] = (tar[3] ?? 0) ^ 1
    expect((await refusal(gzipSync(tar))).code).toBe('PIO_ARCHIVE_CORRUPT')
  })

  it('refuses one compressed twice, which would pass the budget', async () => {
    const error = await refusal(gzipSync(connectorTgz()))
    expect(error.code).toBe('PIO_ARCHIVE_CORRUPT')
    expect(error.message).toContain('compressed twice')
  })

  it('names a NAR as what it is', async () => {
    const error = await refusal('PK\u0003\u0004 a zip file')
    expect(error.code).toBe('PIO_ARCHIVE_FORMAT')
    expect(error.message).toContain('NAR or JAR (Java)')
  })

  it.each([
    ['an empty file', '', 'empty'],
    ['text', 'hello', 'not a gzipped tar'],
    ['a tar that is not compressed', gunzipSync(connectorTgz()), 'not a gzipped tar'],
  ])('refuses %s', async (_, bytes, words) => {
    const error = await refusal(bytes)
    expect(error.code).toBe('PIO_ARCHIVE_FORMAT')
    expect(error.message).toContain(words)
  })
})

describe('the manifest', () => {
  const refused = (variation: Variation) => refusal(connectorTgz(variation))

  it('has to be there', async () => {
    const error = await refusal(tgz([{ path: 'package/package.json', content: '{}' }]))
    expect(error.code).toBe('PIO_ARCHIVE_MANIFEST')
    expect(error.message).toContain('it has no package/pulsar-io.json')
  })

  it('has to be JSON', async () => {
    const error = await refusal(tgz([{ path: 'package/pulsar-io.json', content: '{ not' }]))
    expect(error.message).toContain('is not JSON')
  })

  it('is refused with every problem at once', async () => {
    const error = await refused({ manifest: { name: 'Not A Name', version: 7, kinds: ['sink', 'sieve'] } })
    expect(error.code).toBe('PIO_ARCHIVE_MANIFEST')
    for (const path of ['name: ', 'version: ', 'kinds.1: ']) expect(error.message).toContain(`\n  ${path}`)
  })

  it('has to agree with itself', async () => {
    const error = await refused({ manifest: { kinds: ['source'], entry: 'dist/other.js' } })
    for (const words of ['source: required', '"sink" is missing', 'entry: "dist/other.js"']) {
      expect(error.message).toContain(words)
    }
  })

  it('has to agree with package.json', async () => {
    const error = await refused({ files: { 'package.json': '{"version":"2.0.0","pulsarIo":{"apiLevel":3}}' } })
    expect(error.code).toBe('PIO_ARCHIVE_MANIFEST')
    for (const words of ['version: is "2.0.0"', 'type: is undefined', 'pulsarIo.apiLevel: is 3']) {
      expect(error.message).toContain(words)
    }
  })

  it('needs an API level that the runtime has, whatever else it needs', async () => {
    const error = await refused({ manifest: { apiLevel: 2, manifestVersion: 9, sink: 'another shape' } })
    expect(error.code).toBe('PIO_ARCHIVE_API_LEVEL')
    expect(error.message).toContain('tiny@1.0.0 needs connector API level 2; this runtime offers level 1.')
    expect(error.message).toContain('Install a newer @pulsar-io/runtime')
  })

  it('has to list every file', async () => {
    const error = await refused({ extra: [{ path: 'package/dist/added.js', content: 'evil' }] })
    expect(error.code).toBe('PIO_ARCHIVE_UNLISTED')
    expect(error.message).toContain('dist/added.js')
  })

  it('must not list files that are missing, the entry among them', async () => {
    const entries = connectorEntries().filter(entry => entry.path !== 'package/dist/index.js')
    const error = await refusal(tgz(entries))
    expect(error.code).toBe('PIO_ARCHIVE_INCOMPLETE')
    expect(error.message).toContain('dist/index.js of the manifest is missing')
  })

  it('has to have the right checksums, and names the files that differ', async () => {
    const entries = connectorEntries().map(entry =>
      entry.path === 'package/dist/index.js' ? { ...entry, content: 'evil' } : entry,
    )
    const error = await refusal(tgz(entries))
    expect(error.code).toBe('PIO_ARCHIVE_CHECKSUM')
    expect(error.message).toContain('dist/index.js has another sha256')
  })
})

describe('a pinned archive', () => {
  it('is taken when the sum is right, and refused with both sums when not', async () => {
    const bytes = connectorTgz()
    const path = await bench.write('tiny.tgz', bytes)
    const options = { cacheDir: bench.cacheDir }
    expect((await resolveArchive(`${path}#sha256=${sha256(bytes).toUpperCase()}`, options)).sha256).toBe(sha256(bytes))
    const wrong = 'ab'.repeat(32)
    const refused = resolveArchive(`${path}#sha256=${wrong}`, options)
    await expect(refused).rejects.toMatchObject({ code: 'PIO_ARCHIVE_CHECKSUM' })
    await expect(refused).rejects.toThrow(sha256(bytes))
    await expect(resolveArchive(`${path}#sha256=abc`, options)).rejects.toThrow('64 hexadecimal digits')
  })
})

describe('listConnectors', () => {
  it('lists by manifest and says of everything else why not', async () => {
    await bench.write('tiny.tgz', connectorTgz())
    await bench.write('tiny-again.tgz', connectorTgz())
    await bench.write('new.tgz', connectorTgz({ manifest: { apiLevel: 2 } }))
    await bench.write('pulsar-io-kafka.nar', 'PK\u0003\u0004')
    await bench.write('notes.txt', 'not looked at')
    // Cut off behind its manifest: the tar is whole, but a file is not there.
    await bench.write('cut.tgz', tgz(connectorEntries({ manifest: { name: 'cut' } }).slice(0, 2)))
    const { found, skipped } = await listConnectors(bench.dir)
    expect(found.map(({ name, version, kinds }) => ({ name, version, kinds }))).toEqual([
      { name: 'tiny', version: '1.0.0', kinds: ['sink'] },
    ])
    const reasons = skipped.map(({ file, reason }) => [file.slice(bench.dir.length + 1), reason])
    expect(reasons).toEqual([
      ['cut.tgz', expect.stringContaining('dist/index.js of the manifest is missing')],
      ['new.tgz', expect.stringContaining('API level 2')],
      ['pulsar-io-kafka.nar', expect.stringContaining('Java')],
      ['tiny-again.tgz', expect.stringContaining('tiny.tgz already')],
    ])
  })

  it('says that a folder is not there', async () => {
    const { found, skipped } = await listConnectors(`${bench.dir}/none`)
    expect(found).toEqual([])
    expect(skipped).toEqual([{ file: `${bench.dir}/none`, reason: 'there is no such folder' }])
  })
})
