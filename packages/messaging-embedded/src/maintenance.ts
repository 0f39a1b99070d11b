import type { Retention } from '@pulsar-io/messaging'
import type { Catalog, TopicRecord } from './catalog.ts'
import { markOf } from './cursor.ts'
import { Entry } from './entry.ts'
import { entryKey, ordinalOf } from './entry-key.ts'
import { type Environment, randomVersion } from './environment.ts'

const TRIM_DELAY_MS = 200
const SWEEP_MS = 15_000
/** Entries that one commit deletes, so that nobody waits long for the write lock. */
const CHUNK = 128

/**
 * Deletes what nobody needs: messages that every subscription acknowledged and no retention keeps, and what deleted
 * topics leave behind. Any process does it for all.
 */
export class Maintenance {
  private readonly env: Environment
  private readonly catalog: Catalog
  private readonly retention: Retention | undefined
  private readonly report: (error: unknown) => void
  private readonly due = new Map<number, TopicRecord>()
  private timer: NodeJS.Timeout | undefined
  private readonly sweeper: NodeJS.Timeout
  private running: Promise<void> = Promise.resolve()
  private stopped = false

  constructor(env: Environment, catalog: Catalog, retention: Retention | undefined, report: (error: unknown) => void) {
    this.env = env
    this.catalog = catalog
    this.retention = retention
    this.report = report
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS)
    this.sweeper.unref()
  }

  /** Looks after a log soon: something in it was acknowledged. */
  soon(record: TopicRecord): void {
    this.due.set(record.id, record)
    if (this.timer !== undefined || this.stopped) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.run()
    }, TRIM_DELAY_MS)
    this.timer.unref()
  }

  /** Looks after everything. */
  sweep(): void {
    this.env.refresh()
    for (const record of this.catalog.logs()) this.due.set(record.id, record)
    this.run()
  }

  /** Resolves when what is due by now is done. */
  async settled(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = undefined
    this.run()
    await this.running
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearInterval(this.sweeper)
    clearTimeout(this.timer)
    await this.running
  }

  private run(): void {
    const records = [...this.due.values()]
    this.due.clear()
    this.running = this.running
      .then(async () => {
        for (const record of records) if (!this.stopped) await this.trim(record)
        await this.emptyTrash()
      })
      .catch(this.report)
  }

  private async trim(record: TopicRecord): Promise<void> {
    const { env } = this
    while (!this.stopped) {
      env.refresh()
      const limit = this.needlessBelow(record)
      const tail = env.read(env.tails, record.id)
      const first = tail?.value.readDoubleLE(0) ?? 0
      if (limit === undefined || limit <= first) return
      // An entry ends where the next one begins; only behind the last one has to be looked.
      const keys = [...this.keys(record.id, first, CHUNK + 1)]
      const doomed: Buffer[] = []
      let next = first
      for (let i = 0; i < Math.min(keys.length, CHUNK); i += 1) {
        const key = keys[i] as Buffer
        const behind = keys[i + 1]
        const end = behind === undefined ? this.endOf(record.id, ordinalOf(key)) : ordinalOf(behind)
        if (end > limit) break
        doomed.push(key)
        next = end
      }
      if (doomed.length === 0) return
      const done = await env.writeIf(env.tails, record.id, tail?.version, () => {
        const bytes = Buffer.allocUnsafeSlow(8)
        bytes.writeDoubleLE(next)
        env.put(env.tails, record.id, bytes, randomVersion())
        for (const key of doomed) void env.entries.remove(key)
      })
      if (done && doomed.length < CHUNK) return
    }
  }

  /** Ordinal below which nobody needs anything; undefined: everything is needed. */
  private needlessBelow(record: TopicRecord): number | undefined {
    const { env } = this
    const head = env.read(env.heads, record.id)?.value
    if (head === undefined) return undefined
    const own = this.catalog.settings(record.id).retention ?? this.retention
    const { sizeBytes, timeMs } = own ?? NOTHING_KEPT
    if (sizeBytes < 0 || timeMs < 0) return undefined
    let mark = Number.POSITIVE_INFINITY
    for (const { value } of env.cursors.getRange({ start: [record.id], end: [record.id + 1], snapshot: false })) {
      mark = Math.min(mark, markOf(value))
    }
    if (mark === Number.POSITIVE_INFINITY) {
      // Nobody has subscribed yet: whoever does may want everything, unless a bound was asked for.
      if (sizeBytes === 0 && timeMs === 0) return undefined
      mark = head.readDoubleLE(0)
    }
    return sizeBytes === 0 && timeMs === 0
      ? mark
      : this.beyondRetention(record.id, mark, head.readDoubleLE(8), { sizeBytes, timeMs })
  }

  private beyondRetention(id: number, mark: number, headBytes: number, retention: Retention): number {
    const oldest = Date.now() - retention.timeMs
    let limit = 0
    for (const key of this.keys(id, 0, Number.POSITIVE_INFINITY)) {
      const entry = this.entry(id, ordinalOf(key))
      if (entry === undefined || entry.end > mark || entry.publishTime > oldest) break
      if (headBytes - entry.bytesBefore - entry.bytes.length < retention.sizeBytes) break
      limit = entry.end
    }
    return limit
  }

  private async emptyTrash(): Promise<void> {
    const { env } = this
    env.refresh()
    const ids: number[] = []
    for (const { value } of env.meta.getRange({ start: ['trash'], end: ['trash\uffff'], snapshot: false })) {
      ids.push((value as { readonly id: number }).id)
    }
    for (const id of ids) {
      for (;;) {
        env.refresh()
        const keys = [...this.keys(id, 0, CHUNK)]
        if (keys.length === 0 || this.stopped) break
        await env.write(env.heads, () => {
          for (const key of keys) void env.entries.remove(key)
        })
      }
      if (this.stopped) return
      const range = { start: [id], end: [id + 1], snapshot: false }
      const cursors = [...env.cursors.getKeys(range)]
      const sequences = [...env.sequences.getKeys(range)]
      const members = [...env.registry.getKeys(range)]
      await env.write(env.heads, () => {
        for (const key of cursors) void env.cursors.remove(key)
        for (const key of sequences) void env.sequences.remove(key)
        void env.settings.remove(id)
        void env.tails.remove(id)
        void env.meta.remove(['trash', id])
      })
      await env.write(env.registry, () => {
        for (const key of members) {
          void env.registry.remove(key)
          void env.dispatch.remove(key)
        }
        void env.producers.remove(id)
      })
    }
  }

  private keys(id: number, from: number, limit: number): Iterable<Buffer> {
    const range = { start: entryKey(id, from), end: entryKey(id + 1, 0), snapshot: false }
    return this.env.entries.getKeys(Number.isFinite(limit) ? { ...range, limit } : range)
  }

  private endOf(id: number, base: number): number {
    return this.entry(id, base)?.end ?? base
  }

  private entry(id: number, base: number): Entry | undefined {
    const bytes = this.env.entries.getBinary(entryKey(id, base))
    return bytes === undefined ? undefined : new Entry(base, bytes)
  }
}

const NOTHING_KEPT: Retention = { sizeBytes: 0, timeMs: 0 }
