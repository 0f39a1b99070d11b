import { Entry } from './entry.ts'
import { entryKey, ordinalOf } from './entry-key.ts'
import type { Environment } from './environment.ts'

const MAX_BYTES = 2 * 1024 * 1024

/** Entries that were read lately, so that several subscriptions and small receives read each once. Entries never change. */
export class EntryCache {
  private readonly env: Environment
  /** By topic id and base ordinal, least recently used first. */
  private readonly entries = new Map<string, { readonly topicId: number; readonly entry: Entry }>()
  /** The last entry of each topic that was asked for: the next question is nearly always about it or the one behind. */
  private readonly last = new Map<number, Entry>()
  private bytes = 0

  constructor(env: Environment) {
    this.env = env
  }

  /** The entry that holds the ordinal, or the next one that is stored behind it. */
  entryAt(topicId: number, ordinal: number): Entry | undefined {
    const last = this.last.get(topicId)
    if (last !== undefined && ordinal >= last.base && ordinal < last.end) return last
    const entry = this.stored(topicId, ordinal) ?? this.search(topicId, ordinal)
    if (entry !== undefined) this.last.set(topicId, entry)
    return entry
  }

  /** The entry that begins with the ordinal. */
  private stored(topicId: number, base: number): Entry | undefined {
    const name = `${topicId}:${base}`
    const cached = this.entries.get(name)
    if (cached !== undefined) {
      this.entries.delete(name)
      this.entries.set(name, cached)
      return cached.entry
    }
    const bytes = this.env.entries.getBinary(entryKey(topicId, base))
    return bytes === undefined ? undefined : this.keep(name, topicId, new Entry(base, bytes))
  }

  private search(topicId: number, ordinal: number): Entry | undefined {
    const { entries } = this.env
    const start = entryKey(topicId, ordinal)
    for (const key of entries.getKeys({
      start,
      end: entryKey(topicId, 0),
      reverse: true,
      limit: 1,
      inclusiveEnd: true,
    })) {
      const before = this.stored(topicId, ordinalOf(key))
      if (before !== undefined && ordinal < before.end) return before
    }
    for (const key of entries.getKeys({ start, end: entryKey(topicId + 1, 0), limit: 1 })) {
      return this.stored(topicId, ordinalOf(key))
    }
    return undefined
  }

  private keep(name: string, topicId: number, entry: Entry): Entry {
    this.entries.set(name, { topicId, entry })
    this.bytes += entry.bytes.length
    for (const [oldest, evicted] of this.entries) {
      if (this.bytes <= MAX_BYTES || oldest === name) break
      this.entries.delete(oldest)
      this.bytes -= evicted.entry.bytes.length
      if (this.last.get(evicted.topicId) === evicted.entry) this.last.delete(evicted.topicId)
    }
    return entry
  }
}
