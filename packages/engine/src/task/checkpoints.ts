import type { KeyValueStore } from '@pulsar-io/messaging'
import type { Offset } from '@pulsar-io/sdk'
import { ConfigError } from '@pulsar-io/sdk/core'

const PREFIX = 'offset/'
const utf8 = new TextEncoder()
const text = new TextDecoder()

/**
 * How far a source durably got: the offset of the last published record of each partition.
 * Offsets only ever move behind records that the topic has confirmed, so a resume loses nothing.
 */
export class Checkpoints {
  readonly #store: Promise<KeyValueStore>
  readonly #isHeld: () => boolean
  readonly #dirty = new Map<string, Offset>()
  #flushing: Promise<void> = Promise.resolve()

  /** While `isHeld` says so nothing is written: what is noted stays noted. */
  constructor(store: Promise<KeyValueStore>, isHeld: () => boolean = () => false) {
    this.#store = store
    this.#isHeld = isHeld
  }

  /** What the last run left. Throws a ConfigError (`PIO_CHECKPOINT`) when it cannot be read. */
  async load(): Promise<ReadonlyMap<string, Offset>> {
    const offsets = new Map<string, Offset>()
    for (const [key, value] of await (await this.#store).entries(PREFIX)) {
      try {
        offsets.set(key.slice(PREFIX.length), JSON.parse(text.decode(value)) as Offset)
      } catch (error) {
        throw new ConfigError(
          [
            {
              path: '',
              message: `the stored offset of ${key.slice(PREFIX.length)} is damaged: ${(error as Error).message}`,
            },
          ],
          {
            code: 'PIO_CHECKPOINT',
            cause: error,
          },
        )
      }
    }
    return offsets
  }

  /** Notes that everything of a partition up to this offset is published. */
  advance(partitionId: string, offset: Offset): void {
    this.#dirty.set(partitionId, offset)
  }

  /** Resolves when all that was noted is durable, or is held. */
  flush(): Promise<void> {
    // Who asked for the earlier write hears of its failure; what it did not write is noted still, and goes with this one.
    this.#flushing = this.#flushing.catch(() => undefined).then(() => this.#write())
    return this.#flushing
  }

  async #write(): Promise<void> {
    if (this.#dirty.size === 0 || this.#isHeld()) return
    const pairs = [...this.#dirty]
    this.#dirty.clear()
    try {
      const store = await this.#store
      await store.putAll(pairs.map(([id, offset]) => [PREFIX + id, utf8.encode(JSON.stringify(offset))] as const))
    } catch (error) {
      // Not written: noted again, unless a later offset came meanwhile.
      for (const [id, offset] of pairs) if (!this.#dirty.has(id)) this.#dirty.set(id, offset)
      throw error
    }
  }
}
