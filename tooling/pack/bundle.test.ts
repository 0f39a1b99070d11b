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
