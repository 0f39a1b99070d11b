import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openMessaging } from '@pulsar-io/engine'
import type { KeyValueStore, MessagingClient } from '@pulsar-io/messaging'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ArchiveStore } from '../src/store/archive-store.ts'
import { Place } from './support.ts'

const BYTES = randomBytes(2_500_000)
const SHA256 = createHash('sha256').update(BYTES).digest('hex')

let place: Place
let client: MessagingClient

beforeEach(async () => {
  place = new Place()
  client = await openMessaging({ url: `embedded:${place.path('data')}` })
})
afterEach(async () => {
  await client.close()
  await place.close()
})

const opened = () => client.openStore('public/functions/archives')
const storeIn = (folder: string, open = opened) => new ArchiveStore(open, place.path(folder))
const keys = async () => {
  const store = await opened()
  const entries = await store.entries()
  await store.close()
  return entries.map(([key, value]) => [key.replace(SHA256, 'sha'), value.length] as const)
}

/** A store whose writes fail from the `n`th on, as if the worker had been killed there. */
async function failing(n: number): Promise<KeyValueStore> {
  const store = await opened()
  let writes = 0
  const put = (key: string, value: Uint8Array) =>
    ++writes >= n ? Promise.reject(new Error('killed')) : store.put(key, value)
  return {
    put,
    get: key => store.get(key),
    entries: prefix => store.entries(prefix),
    putAll: pairs => store.putAll(pairs),
    delete: key => store.delete(key),
    increment: (key, by) => store.increment(key, by),
    close: () => store.close(),
  }
}

describe('the archive store', () => {
  it('keeps an archive in pieces, and gives it back on another machine', async () => {
    await storeIn('a').put(SHA256, BYTES)
    expect((await keys()).filter(([key]) => key.startsWith('piece/'))).toEqual([
      ['piece/sha/0', 1_048_576],
      ['piece/sha/1', 1_048_576],
      ['piece/sha/2', 402_848],
    ])
    const other = storeIn('b')
    const [file, same] = await Promise.all([other.file(SHA256), other.file(SHA256)])
    expect(same).toBe(file)
    expect((await readFile(file)).equals(BYTES)).toBe(true)
    expect(await readdir(place.path('b'))).toEqual([`${SHA256}.tgz`])
  })

  it.each([1, 2, 3, 4, 5])(
    'has nothing whole of an upload that was killed at write %d, and takes it again',
    async n => {
      await expect(storeIn('a', () => failing(n)).put(SHA256, BYTES)).rejects.toThrow('killed')
      const store = storeIn('a')
      await expect(store.file(SHA256)).rejects.toThrow('is not in the store')
      await store.put(SHA256, BYTES)
      expect((await readFile(await store.file(SHA256))).equals(BYTES)).toBe(true)
    },
  )

  it.each([2, 4])('takes away what nobody names, also what was killed at write %d', async n => {
    await expect(storeIn('a', () => failing(n)).put(SHA256, BYTES)).rejects.toThrow('killed')
    const other = createHash('sha256').update('other').digest('hex')
    const store = storeIn('a')
    await store.put(other, Buffer.from('other'))
    expect(await store.collect(new Set([other]))).toEqual([SHA256])
    expect((await keys()).map(([key]) => key)).toEqual([`archive/${other}`, `piece/${other}/0`])
  })

  it('sees a file that was changed, and fetches it anew', async () => {
    const store = storeIn('a')
    await store.put(SHA256, BYTES)
    await store.file(SHA256)
    writeFileSync(join(place.path('a'), `${SHA256}.tgz`), 'changed')
    expect((await readFile(await store.file(SHA256))).equals(BYTES)).toBe(true)
  })
})
