import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { provenanceOf } from './provenance.ts'
import { sbom } from './sbom.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pulsar-io-provenance-'))
  await mkdir(join(dir, 'a'))
  await writeFile(join(dir, 'a', 'one.ts'), '1')
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: dir })
    .toString()
    .trim()
const commit = () => {
  git('add', '.')
  git('commit', '-q', '-m', 'x')
  return git('rev-parse', 'HEAD')
}

describe('provenanceOf', () => {
  it('names the last commit of the inputs, whatever was committed besides', async () => {
    git('init', '-q')
    const first = commit()
    await writeFile(join(dir, 'other.ts'), 'x')
    commit()
    const inputs = [join(dir, 'a', 'one.ts'), join(dir, 'node_modules/dep/index.js'), '/elsewhere.ts']
    expect(await provenanceOf(join(dir, 'a'), inputs)).toEqual({ commit: first })
    await writeFile(join(dir, 'a', 'one.ts'), '2')
    expect(await provenanceOf(join(dir, 'a'), inputs)).toEqual({ commit: first, modified: true })
    expect(await provenanceOf(join(dir, 'a'), inputs.slice(0, 1))).toEqual({ commit: first, modified: true })
    expect(await provenanceOf(join(dir, 'a'), [join(dir, 'other.ts')])).not.toMatchObject({ commit: first })
  })

  it('sums the lockfile of the folder or above', async () => {
    await writeFile(join(dir, 'package-lock.json'), '{}')
    const lockfile = createHash('sha256').update('{}').digest('hex')
    expect(await provenanceOf(join(dir, 'a'), [join(dir, 'a', 'one.ts')])).toEqual({ lockfile })
  })

  it('says nothing of a commit where there is none', async () => {
    git('init', '-q')
    expect(await provenanceOf(dir, [join(dir, 'a', 'one.ts')])).toEqual({})
  })
})

describe('sbom', () => {
  it('names what was bundled, as CycloneDX', () => {
    const subject = { name: '@pulsar-io/connector-x', version: '1.0.0', license: 'Apache-2.0' }
    const dep = { name: '@scope/dep', version: '2.0.0', license: 'MIT OR ISC', texts: [] }
    const odd = { name: 'odd', version: '3.0.0', license: 'not stated', texts: [] }
    const own = 'pkg:npm/%40pulsar-io/connector-x@1.0.0'
    const scoped = 'pkg:npm/%40scope/dep@2.0.0'
    expect(sbom(subject, [dep, odd])).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      metadata: { component: { 'bom-ref': own, licenses: [{ expression: 'Apache-2.0' }] } },
      components: [
        {
          type: 'library',
          name: '@scope/dep',
          version: '2.0.0',
          purl: scoped,
          licenses: [{ expression: 'MIT OR ISC' }],
        },
        { name: 'odd', purl: 'pkg:npm/odd@3.0.0' },
      ],
      dependencies: [{ ref: own, dependsOn: [scoped, 'pkg:npm/odd@3.0.0'] }],
    })
  })
})
