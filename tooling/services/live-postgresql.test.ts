import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { service } from './index.ts'

const shared = await service('postgresql')
const own = await service('postgresql', { dedicated: true })

afterAll(async () => {
  if (own.available) await own.close()
})

/** Asks one question on a connection of its own. */
async function ask(server: typeof shared, question: string, password?: string): Promise<unknown> {
  if (!server.available || !server.credentials) throw new Error('there is no server, or it has no user')
  const { hostname: host, port } = new URL(server.url)
  const user = server.credentials.username
  const client = new pg.Client({
    host,
    port: Number(port),
    user,
    database: 'postgres',
    password: password ?? server.credentials.password,
  })
  await client.connect()
  try {
    const { rows } = await client.query({ text: question, rowMode: 'array' })
    return (rows as unknown[][])[0]?.[0]
  } finally {
    await client.end()
  }
}

describe.skipIf(!shared.available)('a postgresql', () => {
  it('says its version, keeps UTF-8, and tells a wrong password', async () => {
    if (!shared.available) return
    expect(await ask(shared, 'SHOW server_version')).toContain(shared.version)
    expect(await ask(shared, 'SHOW server_encoding')).toBe('UTF8')
    await expect(ask(shared, 'SELECT 1', 'wrong')).rejects.toThrow('password authentication failed')
  })
})

describe.skipIf(!own.available)('a dedicated postgresql', () => {
  it('is down after kill, and back on the same port with its data after start', async () => {
    if (!own.available) return
    await ask(own, 'CREATE TABLE kept AS SELECT 1 AS n')
    await own.kill()
    await expect(ask(own, 'SELECT 1')).rejects.toThrow()
    await own.start()
    expect(await ask(own, 'SELECT n FROM kept')).toBe(1)
    await own.restart()
    expect(await ask(own, 'SELECT n FROM kept')).toBe(1)
  }, 60_000)
})
