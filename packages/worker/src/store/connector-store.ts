import type { KeyValueStore } from '@pulsar-io/messaging'
import type { Fqn } from '../kinds.ts'
import { fqnText } from '../kinds.ts'
import { type ConnectorRecord, decodeRecord, encodeRecord } from './record.ts'

const PREFIX = 'connector/'

/** A stored connector that cannot be read, for the log. */
export interface UnreadableRecord {
  readonly key: string
  readonly error: unknown
}

/** The configurations of all connectors, durable in the messaging system. */
export class ConnectorStore {
  readonly #store: KeyValueStore
  readonly #refuse: () => void

  /** `refuse` is asked right before each write, and throws where somebody else may write by now. */
  constructor(store: KeyValueStore, refuse: () => void = () => undefined) {
    this.#store = store
    this.#refuse = refuse
  }

  async get(fqn: Fqn): Promise<ConnectorRecord | undefined> {
    const bytes = await this.#store.get(keyOf(fqn))
    return bytes === undefined ? undefined : decodeRecord(bytes)
  }

  /** All of them, by name. One that cannot be read is left out: it must not keep the others from running. */
  async all(): Promise<{
    readonly records: readonly ConnectorRecord[]
    readonly unreadable: readonly UnreadableRecord[]
  }> {
    const records: ConnectorRecord[] = []
    const unreadable: UnreadableRecord[] = []
    for (const [key, bytes] of await this.#store.entries(PREFIX)) {
      try {
        records.push(decodeRecord(bytes))
      } catch (error) {
        unreadable.push({ key, error })
      }
    }
    return { records, unreadable }
  }

  async put(record: ConnectorRecord): Promise<void> {
    this.#refuse()
    return this.#store.put(keyOf(record), encodeRecord(record))
  }

  async delete(fqn: Fqn): Promise<void> {
    this.#refuse()
    return this.#store.delete(keyOf(fqn))
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

function keyOf(fqn: Fqn): string {
  return `${PREFIX}${fqnText(fqn)}`
}
