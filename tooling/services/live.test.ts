import { describe, expect, it } from 'vitest'
import { service } from './index.ts'

const elasticsearch = await service('elasticsearch')

describe.skipIf(!elasticsearch.available)('a real elasticsearch', () => {
  it('answers GET / with its version', async () => {
    if (!elasticsearch.available) return
    const response = await fetch(elasticsearch.url)
    const body = (await response.json()) as { version: { number: string } }
    expect(response.status).toBe(200)
    expect(body.version.number).toBe(elasticsearch.version)
  })
})
