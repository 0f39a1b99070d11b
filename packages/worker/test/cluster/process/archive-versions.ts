import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveArchive } from '../../../../engine/src/archive/index.ts'
import { sha256, tgz } from '../../../../engine/test/archive/make-archive.ts'

/** The entry of the new version: each sink or source that opens says so in a file. */
const entry = (said: string, version: string) => `
import { appendFileSync } from 'node:fs'
import * as own from './index.js'
const told = definition => ({
  ...definition,
  create: (...given) => {
    appendFileSync(${JSON.stringify(said)}, definition.kind + ' ' + process.pid + ' ${version}\\n')
    return definition.create(...given)
  },
})
export const sink = told(own.sink)
export const source = told(own.source)
`

/**
 * Writes the next version of a connector that has a sink and a source: the same code, but whatever is made of it appends
 * a line with its kind, its process and the version to the file `said`.
 */
export async function packVersion(archive: string, version: string, said: string, out: string): Promise<void> {
  const cacheDir = await mkdtemp(join(tmpdir(), 'pio-version-'))
  try {
    const { directory, manifest } = await resolveArchive(archive, { cacheDir })
    const found = await readdir(directory, { recursive: true, withFileTypes: true })
    const files = new Map<string, Uint8Array>()
    for (const file of found) {
      const path = join(file.parentPath, file.name)
      const inside = path.slice(directory.length + 1)
      if (file.isFile() && inside in manifest.files) files.set(inside, await readFile(path))
    }
    const facts = JSON.parse(String(await readFile(join(directory, 'package.json')))) as object
    files.set('package.json', Buffer.from(JSON.stringify({ ...facts, version })))
    files.set('dist/told.js', Buffer.from(entry(said, version)))
    const sums = Object.fromEntries([...files].map(([path, bytes]) => [path, sha256(bytes)]))
    const next = { ...manifest, version, entry: 'dist/told.js', files: sums }
    const entries = [...files].map(([path, content]) => ({ path: `package/${path}`, content }))
    await writeFile(out, tgz([{ path: 'package/pulsar-io.json', content: JSON.stringify(next) }, ...entries]))
  } finally {
    await rm(cacheDir, { recursive: true, force: true })
  }
}
