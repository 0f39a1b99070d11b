import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { bundleConnector } from './bundle.ts'

it('writes code that V8 holds with one byte for each character', async () => {
  const { files } = await bundleConnector(resolve(import.meta.dirname, '../../connectors/file'))
  const code = [...files].filter(([path]) => path.endsWith('.js'))
  expect(code.length).toBeGreaterThan(0)
  for (const [path, bytes] of code)
    expect(
      bytes.findIndex(byte => byte > 0x7f),
      `${path}, first byte that is not ASCII`,
    ).toBe(-1)
})

it('keeps what only the file source needs out of what a file sink loads', async () => {
  const { metafile } = await bundleConnector(resolve(import.meta.dirname, '../../connectors/file'))
  const loaded = new Set<string>()
  const load = (path: string) => {
    if (loaded.has(path)) return
    loaded.add(path)
    for (const { kind, path: next } of metafile.outputs[path]?.imports ?? [])
      if (kind === 'import-statement') load(next)
  }
  load('dist/index.js')
  const sources = [...loaded].flatMap(path => Object.keys(metafile.outputs[path]?.inputs ?? {}))
  expect(sources).toContain('src/sink.ts')
  expect(sources).not.toContain('src/opened-source.ts')
  expect(sources.filter(path => path.includes('/csv-parse/'))).toEqual([])
  expect(loaded).not.toContain('node:zlib')
})
