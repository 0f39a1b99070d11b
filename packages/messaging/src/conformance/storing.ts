import { describe, expect, it } from 'vitest'
import type { Setup } from './setup.ts'

/** The durable map. */
export function storing(setup: Setup): void {
  const name = () => setup.topic().replace('persistent://', '')
  describe('key-value store', () => {
    it('MSG-91 keeps what was put, for every client', async () => {
      const store = name()
      const mine = await setup.client.openStore(store)
      const theirs = await setup.other.openStore(store)
      expect(await mine.get('k')).toBeUndefined()
      await mine.put('k', Buffer.from('v'))
      expect(Buffer.from((await theirs.get('k')) ?? []).toString()).toBe('v')
      await theirs.put('k', Buffer.from('w'))
      expect(Buffer.from((await mine.get('k')) ?? []).toString()).toBe('w')
      await mine.delete('k')
      expect(await theirs.get('k')).toBeUndefined()
      await mine.close()
      await theirs.close()
    })

    it('MSG-92 lists the pairs of a prefix in key order, of this store only', async () => {
      const store = name()
      const map = await setup.client.openStore(store)
      const another = await setup.client.openStore(`${store}x`)
      await map.putAll(['b2', 'a', 'b1', 'c'].map(key => [key, Buffer.from(key)] as const))
      await another.put('b3', Buffer.from('no'))
      expect((await map.entries('b')).map(([key]) => key)).toEqual(['b1', 'b2'])
      expect((await map.entries()).map(([key]) => key)).toEqual(['a', 'b1', 'b2', 'c'])
      await map.close()
      await another.close()
    })

    it('MSG-93 counts without losing an increment of anyone', async () => {
      const store = name()
      const maps = [await setup.client.openStore(store), await setup.other.openStore(store)]
      await Promise.all(Array.from({ length: 40 }, (_, i) => maps[i % 2]?.increment('n', 2n)))
      expect(await maps[0]?.increment('n', -1n)).toBe(79n)
      expect(Buffer.from((await maps[1]?.get('n')) ?? []).toString()).toBe('79')
      for (const map of maps) await map.close()
    })

    it('MSG-94 keeps its own copy of what was put', async () => {
      const map = await setup.client.openStore(name())
      const value = Buffer.from('before')
      const putting = map.put('k', value)
      value.fill(0)
      await putting
      expect(Buffer.from((await map.get('k')) ?? []).toString()).toBe('before')
      await map.close()
    })
  })
}
