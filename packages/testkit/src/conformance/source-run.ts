import {
  type BatchSource,
  type Emit,
  isConnectorError,
  type Offset,
  type PushSource,
  type Source,
  type SourceContext,
  type SourceRecord,
} from '@pulsar-io/sdk'
import { expect } from 'vitest'
import { type ContextLog, createSourceContext } from '../context.ts'
import type { Clause } from './clause.ts'
import type { ConfigChange } from './config.ts'
import { type Item, type StoredItem, shown } from './item.ts'
import { asHarness, pause } from './resources.ts'
import { Run } from './run.ts'
import type { SourceConformanceOptions, SourcePlace } from './source-options.ts'

export type SourceClause = Clause<SourceConformanceOptions, SourceRun>

/** How an instance is opened. */
export interface OpenSourceOptions {
  readonly config?: ConfigChange | boolean | undefined
  readonly instance?: Partial<SourceContext>
  /** `emit` of a push source does not resolve. */
  readonly blocked?: boolean
}

/** One test of a source. Offsets of published records are kept for the next instance, as the runtime keeps them. */
export class SourceRun extends Run<SourcePlace> {
  readonly options: SourceConformanceOptions
  readonly quietMs: number
  readonly offsets = new Map<string, Offset>()

  constructor(place: SourcePlace, options: SourceConformanceOptions) {
    super(place, options.definition, options)
    this.options = options
    this.quietMs = options.quietMs ?? 300
  }

  create(options: OpenSourceOptions = {}): SourceInstance {
    const context = createSourceContext({ offsets: new Map(this.offsets), ...options.instance })
    const instance = new SourceInstance(this, context, options)
    this.keep(context, () => instance.close())
    return instance
  }

  /** An open instance. One that cannot be opened is closed, as the runtime does. */
  async open(options: OpenSourceOptions = {}): Promise<SourceInstance> {
    const instance = this.create(options)
    await this.within(instance.open(), 'open')
    return instance
  }

  /** Opens again as often as it takes for the system to be back. */
  reopen(options: OpenSourceOptions = {}): Promise<SourceInstance> {
    return this.insist(() => this.open(options))
  }

  write(list: readonly StoredItem[]): Promise<void> {
    return asHarness(() => this.place.write(list))
  }

  async poison(): Promise<void> {
    await asHarness(() => this.place.poison?.())
  }

  async tombstone(key: string): Promise<void> {
    await asHarness(() => this.place.tombstone?.(key))
  }

  item(record: SourceRecord): Item {
    if (this.options.item) return this.options.item(record)
    const { value } = record
    const text = value instanceof Uint8Array ? Buffer.from(value).toString() : value
    return (typeof text === 'string' ? JSON.parse(text) : text) as Item
  }

  shown(records: readonly SourceRecord[]): string[] {
    return this.lines(records.map(record => this.item(record)))
  }

  lines(list: readonly Item[]): string[] {
    return shown(list, this.options.capabilities.ordered)
  }
}

/** An instance, driven as the runtime drives it. */
export class SourceInstance {
  readonly context: SourceContext & ContextLog
  /** Records that came and that nobody took. */
  readonly waiting: SourceRecord[] = []
  /** The source said that there will never be more. */
  done = false
  readonly #run: SourceRun
  readonly #config: unknown
  readonly #source: Source | PushSource | BatchSource
  readonly #gate = Promise.withResolvers<void>()
  #reading: Promise<void> | undefined
  #tasks: Uint8Array[] | undefined
  #prepared = false
  #failure: { readonly error: unknown } | undefined
  #closing: Promise<void> | undefined

  constructor(run: SourceRun, context: SourceContext & ContextLog, options: OpenSourceOptions) {
    this.#run = run
    this.context = context
    this.#config = run.config(options.config)
    this.#source = run.options.definition.create()
    if (!options.blocked) this.#gate.resolve()
  }

  async open(): Promise<void> {
    const emit: Emit = async given => {
      this.#push(given)
      await this.#gate.promise
    }
    try {
      if (this.#style === 'push') await (this.#source as PushSource).open(this.#config, this.context, emit)
      else await (this.#source as Source | BatchSource).open(this.#config, this.context)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Lets the `emit` of a blocked instance resolve. */
  unblock(): void {
    this.#gate.resolve()
  }

  /** Waits for `count` records, fewer where the source ends. Rejects when the source fails. */
  async take(count: number): Promise<SourceRecord[]> {
    const until = performance.now() + this.#run.patienceMs
    while (this.waiting.length < count && !this.done) {
      if (performance.now() > until) throw new Error(`${this.waiting.length} of ${count} records came within patience`)
      await this.#wait(until - performance.now())
    }
    return this.waiting.splice(0, count)
  }

  /** What comes although nothing should. */
  async unexpected(): Promise<SourceRecord[]> {
    const until = performance.now() + this.#run.quietMs
    while (performance.now() < until && this.waiting.length === 0 && !this.done)
      await this.#wait(until - performance.now())
    return this.waiting.splice(0)
  }

  /** Waits for what comes next, as the runtime does while it is idle. */
  read(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** Takes records that were published: keeps their offsets, then acknowledges them. */
  async publish(records: readonly SourceRecord[]): Promise<void> {
    for (const record of records) {
      // JSON on the way, as in a real store.
      if (record.offset)
        this.#run.offsets.set(record.partitionId ?? '', JSON.parse(JSON.stringify(record.offset)) as Offset)
      await record.ack?.()
    }
  }

  close(): Promise<void> {
    this.context.stop()
    this.#gate.resolve()
    this.#closing ??= (async () => this.#source.close())()
    return this.#closing
  }

  get #style(): string {
    return this.#run.options.definition.style
  }

  async #wait(ms: number): Promise<void> {
    this.#rethrow()
    let timer: NodeJS.Timeout | undefined
    const tick = new Promise<void>(resolve => {
      timer = asHarness(() => setTimeout(resolve, Math.min(ms, this.#style === 'push' ? 5 : ms)))
    })
    // A failure of the read is kept, and thrown to whoever waits next.
    const reading =
      this.#style === 'push'
        ? tick
        : this.read().catch((error: unknown) => {
            this.#failure ??= { error }
          })
    await Promise.race([reading, tick])
    clearTimeout(timer)
    this.#rethrow()
  }

  #rethrow(): void {
    const [fatal] = this.context.fatals
    const failure = this.#failure ?? (fatal ? { error: fatal } : undefined)
    this.#failure = undefined
    if (failure) throw this.#run.note(failure.error)
  }

  async #read(): Promise<void> {
    if (this.#style === 'pull') {
      const records = await (this.#source as Source).read()
      if (records === null) this.done = true
      else this.#push(records)
    } else if (this.#style === 'batch') {
      await this.#readTask(this.#source as BatchSource)
    }
  }

  async #readTask(source: BatchSource): Promise<void> {
    if (!this.#tasks) {
      const tasks: Uint8Array[] = []
      await source.discover(async task => void tasks.push(task))
      this.#tasks = tasks
    }
    const [task] = this.#tasks
    if (!task) {
      // The next trigger.
      this.#tasks = undefined
      await pause(20)
      return
    }
    if (!this.#prepared) await source.prepare(task)
    this.#prepared = true
    const record = await source.readNext()
    if (record) {
      this.#push(record)
    } else {
      this.#tasks.shift()
      this.#prepared = false
    }
  }

  #push(given: SourceRecord | readonly SourceRecord[]): void {
    this.waiting.push(...(Array.isArray(given) ? (given as readonly SourceRecord[]) : [given as SourceRecord]))
  }
}

/** Takes until each of `want` came; opens again when the connection is lost. Gives the instance that is open then. */
export async function takeThrough(
  run: SourceRun,
  first: SourceInstance,
  want: readonly Item[],
): Promise<SourceInstance> {
  const wanted = new Set(shown(want, true))
  const until = performance.now() + 2 * run.patienceMs
  let source = first
  while (wanted.size > 0) {
    if (performance.now() > until) throw new Error(`these did not come after the outage: ${[...wanted].join(', ')}`)
    try {
      for (const record of await source.take(1)) {
        const [line = ''] = shown([run.item(record)], true)
        wanted.delete(line)
        await source.publish([record])
      }
      if (source.done && wanted.size > 0) throw new Error('the source ended')
    } catch (error) {
      if (!isConnectorError(error)) throw error
      expect(['reconnect', 'retry'], error.message).toContain(error.retry)
      await run.within(source.close(), 'close after the connection was lost')
      source = await run.reopen()
    }
  }
  return source
}
