import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeToken, tokenAuthentication, tokenFileAuthentication } from '../../src/auth/index.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pulsar-token-'))
})

afterEach(() => rm(folder, { recursive: true }))

const shown = async (auth: { credentials(): Promise<Uint8Array> }) => Buffer.from(await auth.credentials()).toString()

const jwt = (claims: object) =>
  ['{"alg":"none"}', JSON.stringify(claims), 'x'].map(part => Buffer.from(part).toString('base64url')).join('.')

describe('a token', () => {
  it('is shown as it is, and as a header', async () => {
    const auth = tokenAuthentication('abc')
    expect(auth.method).toBe('token')
    expect(await shown(auth)).toBe('abc')
    expect(await auth.headers?.()).toEqual({ authorization: 'Bearer abc' })
  })

  it('comes from a supplier each time', async () => {
    let n = 0
    const auth = tokenAuthentication(async () => `t${n++}`)
    expect([await shown(auth), await shown(auth)]).toEqual(['t0', 't1'])
  })

  it('comes from a file each time, without its line break', async () => {
    const file = join(folder, 'token with blank')
    const auth = tokenFileAuthentication(`file://${file.replaceAll(' ', '%20')}`)
    await writeFile(file, 'first\n')
    expect(await shown(auth)).toBe('first')
    await writeFile(file, 'second\n')
    expect(await shown(auth)).toBe('second')
    expect(await shown(tokenFileAuthentication(file))).toBe('second')
    expect(await shown(tokenFileAuthentication(`file:${file.replaceAll(' ', '%20')}`))).toBe('second')
  })

  it('that cannot be had blocks, naming the file', async () => {
    const missing = tokenFileAuthentication(join(folder, 'none'))
    await expect(missing.credentials()).rejects.toMatchObject({
      code: 'PIO_PULSAR_TOKEN',
      retry: 'block',
      message: expect.stringContaining(join(folder, 'none')),
    })
  })

  it('that is none is refused without being told', async () => {
    await expect(tokenAuthentication('  ').credentials()).rejects.toThrow('the token is empty')
    const error = await tokenAuthentication('hush\r\nx: y').credentials().catch(String)
    expect(error).toContain('a line break')
    expect(error).not.toContain('hush')
  })

  it('is described by subject and expiry', () => {
    expect(describeToken(jwt({ sub: 'alice', exp: 1000 }), 2_000_000)).toBe(
      'the token of "alice", which expired at 1970-01-01T00:16:40.000Z',
    )
    expect(describeToken(jwt({ sub: 'alice', exp: 1000 }), 0)).toContain('which expires at')
    expect(describeToken(jwt({ sub: 'alice' }))).toBe('the token of "alice"')
    expect(describeToken('opaque')).toBeUndefined()
    expect(describeToken('a.b.c')).toBeUndefined()
  })
})
