import type { KeyValueStore } from '@pulsar-io/messaging'
import { type Environment, randomVersion } from './environment.ts'
import { closedError, usageError } from './errors.ts'

const MAX_KEY_BYTES = 1_000

/** A named map in the durable environment. */
export class EmbeddedKeyValueStore implements KeyValueStore {
  private readonly env: Environment
  private readonly name: string
  private closed = false

  constructor(env: Environment, name: string) {
    this.env = env
    this.name = name
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.refuseClosed()
    this.env.refresh()
    return this.env.read(this.env.pairs, this.keyOf(key))?.value
  }

  async entries(prefix = ''): Promise<readonly (readonly [key: string, value: Uint8Array])[]> {
    this.refuseClosed()
    this.env.refresh()
    const found: (readonly [string, Uint8Array])[] = []
    for (const { key, value } of this.env.pairs.getRange({ start: [this.name, prefix], snapshot: false })) {
      const [store, name] = key as [string, string]
      if (store !== this.name || !name.startsWith(prefix)) break
      found.push([name, value])
    }
    return found
  }

  put(key: string, value: Uint8Array): Promise<void> {
    return this.putAll([[key, value]])
  }

  async putAll(pairs: readonly (readonly [key: string, value: Uint8Array])[]): Promise<void> {
    this.refuseClosed()
    const owned = pairs.map(([key, value]) => [this.keyOf(key), Buffer.from(value)] as const)
    const bytes = owned.reduce((sum, [, value]) => sum + value.length, 0)
    await this.env.write(
      this.env.pairs,
      () => {
        for (const [key, value] of owned) this.env.put(this.env.pairs, key, value, randomVersion())
      },
      bytes,
    )
  }

  async delete(key: string): Promise<void> {
    this.refuseClosed()
    await this.env.write(this.env.pairs, () => void this.env.pairs.remove(this.keyOf(key)))
  }

  async increment(key: string, by: bigint): Promise<bigint> {
    this.refuseClosed()
    let sum = 0n
    await this.env.update(this.env.pairs, this.keyOf(key), present => {
      sum = this.counterOf(key, present) + by
      return Buffer.from(sum.toString())
    })
    return sum
  }

  async close(): Promise<void> {
    this.closed = true
  }

  private counterOf(key: string, value: Buffer | undefined): bigint {
    const text = value?.toString() ?? '0'
    if (!/^-?\d+$/.test(text)) throw usageError(`${key} of the store ${this.name} is not a counter`)
    return BigInt(text)
  }

  private keyOf(key: string): [string, string] {
    if (Buffer.byteLength(key) > MAX_KEY_BYTES || key.includes('\0')) {
      throw usageError(
        `a key of the store ${this.name} has at most ${MAX_KEY_BYTES} bytes and no zero byte, got ${key.length} characters`,
      )
    }
    return [this.name, key]
  }

  private refuseClosed(): void {
    if (this.closed) throw closedError(`the store ${this.name}`)
  }
}
