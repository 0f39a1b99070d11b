import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { persist } from '../src/driver/persist.ts'
import { tokenSource } from '../src/token-source.ts'

const HOUR_MS = 3_600_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('a clock that jumps', () => {
  it.each([
    ['ahead', HOUR_MS],
    ['back', -HOUR_MS],
  ])('an hour %s takes nothing from the time for trying again', async (_, by) => {
    let tries = 0
    const work = async () => {
      tries += 1
      vi.setSystemTime(Date.now() + by)
      throw Object.assign(new Error('moving'), { apiId: 'NOT_LEADER_OR_FOLLOWER' })
    }
    const trying = persist(work, 300, new AbortController().signal, error => error as Error)
    await expect(trying).rejects.toThrow('moving')
    expect(tries).toBeGreaterThan(2)
  })

  it('back leaves no token in use that has run out; ahead costs one request', async () => {
    let seconds = 31
    let given = 0
    const server = createServer((_, response) => {
      given += 1
      response.end(JSON.stringify({ access_token: `token-${given}`, expires_in: seconds }))
    })
    onTestFinished(() => void server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const properties = { 'sasl.oauthbearer.token.endpoint.url': url }
    const token = tokenSource({ clientId: 'me', clientSecret: 'hush' }, properties)
    if (typeof token === 'string') throw new Error('an endpoint was named')
    expect(await token()).toBe('token-1')
    vi.setSystemTime(Date.now() - HOUR_MS)
    seconds = 600
    await vi.waitFor(async () => expect(await token()).toBe('token-2'), { timeout: 10_000 })
    vi.setSystemTime(Date.now() + HOUR_MS)
    expect([await token(), await token()]).toEqual(['token-3', 'token-3'])
  })
})
