import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lintArchive, lintError, README_HEADINGS } from '../../src/archive/index.ts'
import { Bench, connectorTgz, moduleText, type Variation } from './make-archive.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.create()
})
afterEach(() => bench.remove())

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    host: { type: 'string', default: 'a', description: 'Host' },
    tls: {
      type: 'object',
      description: 'TLS',
      properties: { keyFile: { type: 'string', description: 'File' } },
    },
    password: { type: 'string', writeOnly: true, description: 'Password' },
    tokenField: { type: 'string', description: 'Field' },
  },
}
const sink = { export: 'default', summary: 'Does nothing.', configSchema: schema, delivery: 'at-least-once' }
const packageJson = {
  name: 'pulsar-io-connector-tiny',
  version: '1.0.0',
  type: 'module',
  license: 'MIT',
  pulsarIo: { apiLevel: 1 },
}
const files = {
  'package.json': JSON.stringify(packageJson),
  'README.md': README_HEADINGS.map(heading => `## ${heading}\n`).join('\n'),
  LICENSE: 'The licence.',
}

async function lint(variation: Variation = {}): Promise<string[]> {
  const archive = connectorTgz({
    ...variation,
    files: { ...files, ...variation.files },
    manifest: { sink, ...variation.manifest },
  })
  const path = await bench.write(`tiny.tgz`, archive)
  const findings = await lintArchive(path, { cacheDir: bench.cacheDir })
  return findings.map(({ where, message }) => `${where}: ${message}`)
}

const withOptions = (properties: object, more: object = {}) => ({
  manifest: { sink: { ...sink, configSchema: { ...schema, properties, ...more } } },
})

describe('lintArchive', () => {
  it('finds nothing in a good archive', async () => {
    expect(await lint()).toEqual([])
  })

  it.each<[string, Variation, RegExp[]]>([
    [
      'options without a description, at any depth',
      withOptions({ host: { type: 'string' }, tls: { description: 'x', properties: { on: { type: 'boolean' } } } }),
      [/^sink\.host: has no description/, /^sink\.tls\.on: has no description/],
    ],
    [
      'secrets that are not marked',
      withOptions({
        apiKey: { type: 'string', description: 'x' },
        tls: { description: 'x', properties: { keyPassphrase: { type: ['string'], description: 'x' } } },
      }),
      [/^sink\.apiKey: sounds like a secret/, /^sink\.tls\.keyPassphrase: sounds like a secret/],
    ],
    [
      'options that take anything',
      withOptions(schema.properties, { additionalProperties: true }),
      [/^sink: takes opt/],
    ],
    ['a summary that is no sentence', { manifest: { sink: { ...sink, summary: 'Nothing' } } }, [/^sink: the summary/]],
    ['no description', { manifest: { description: ' ' } }, [/^package\.json: description is missing/]],
    [
      'headings that the README lacks',
      {
        files: {
          'README.md': README_HEADINGS.slice(2)
            .map(heading => `## ${heading}\n`)
            .join(''),
        },
      },
      [/^README\.md: .*"## What it does"/, /^README\.md: .*"## Quick start"/],
    ],
    [
      'no licence',
      { files: { 'package.json': JSON.stringify({ ...packageJson, license: undefined }) } },
      [/^package\.json: license is missing/],
    ],
    [
      'bundled packages without their licences',
      { files: { 'sbom.cdx.json': JSON.stringify({ components: [{ name: '@pulsar-io/sdk' }, { name: 'dep' }] }) } },
      [/^THIRD-PARTY-LICENSES\.txt: is missing/],
    ],
    ['what is too large', { files: { 'dist/large.bin': randomBytes(600_000) } }, [/^size: the archive has 6\d\d KB/]],
  ])('finds %s', async (_, variation, expected) => {
    const found = await lint(variation)
    expect(found).toHaveLength(expected.length)
    for (const pattern of expected)
      expect(
        found.some(line => pattern.test(line)),
        `${pattern}\n${found}`,
      ).toBe(true)
  })

  it('finds a default that the connector refuses', async () => {
    const picky = moduleText().replace(
      'parse: config => ({ ok: true, config })',
      `parse: config => ({ ok: false, problems: [{ path: 'host', message: 'no' }, { path: 'password', message: 'required' }] })`,
    )
    expect(await lint({ files: { 'dist/index.js': picky } })).toEqual(['sink.host: refuses its own default "a": no'])
  })

  it('finds that there is no README and no LICENSE', async () => {
    const path = await bench.write('bare.tgz', connectorTgz({ manifest: { sink } }))
    const found = (await lintArchive(path, { cacheDir: bench.cacheDir })).map(({ where }) => where)
    expect(found).toEqual(['package.json', 'LICENSE', 'README.md'])
  })

  it('refuses with all findings at once', () => {
    const error = lintError('a.tgz', [
      { where: 'x', message: 'one' },
      { where: 'y', message: 'two' },
    ])
    expect(error).toMatchObject({ code: 'PIO_ARCHIVE_LINT', archive: 'a.tgz' })
    expect(error.message).toBe('a.tgz: it runs, but 2 things are not as they should be\nx: one\ny: two')
  })
})
