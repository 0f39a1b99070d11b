import { type ConnectorError, isConnectorError, type Outcome, TransientError } from '@pulsar-io/sdk'
import type { Session, Statement } from './client.ts'

/** A statement, and which record it is for. */
export interface Task {
  readonly record: number
  readonly statement: Statement
  /** The same for rows of the same Cassandra partition. */
  readonly partition: string
}

/** Bytes of values in one unlogged batch at most: a large one holds up whatever the node does besides. */
const MOST_BATCH_BYTES = 64 * 1024

/** Sends statements, so many at a time, and says of each record what became of it. */
export class Writer {
  readonly #session: Pick<Session, 'run'>
  readonly #batchSize: number
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(session: Pick<Session, 'run'>, concurrency: number, batchSize: number) {
    this.#session = session
    this.#free = concurrency
    this.#batchSize = batchSize
  }

  /** Puts an error into `outcomes` for each record that is not written. Ends early when the signal aborts. */
  async write(tasks: readonly Task[], outcomes: Outcome[], signal: AbortSignal): Promise<void> {
    const run: Run = { outcomes, signal, away: undefined }
    const groups = this.#batchSize > 1 ? grouped(tasks, this.#batchSize) : tasks.map(task => [task] as const)
    const done = this.#all(groups, run)
    let abort: () => void = () => undefined
    const aborted = new Promise<void>(resolve => {
      abort = resolve
      signal.addEventListener('abort', abort, { once: true })
    })
    try {
      await Promise.race([done, aborted])
    } finally {
      signal.removeEventListener('abort', abort)
    }
    if (!signal.aborted) return
    // Nobody hears of what happens to them now.
    done.catch(() => undefined)
    // What is under way may still be written; to be written again does no harm.
    const stopped = new TransientError('told to stop before the record was confirmed', {
      code: 'PIO_CASSANDRA_STOPPED',
    })
    for (const { record } of tasks) outcomes[record] ??= stopped
  }

  async #all(groups: readonly Group[], run: Run): Promise<void> {
    let next = 0
    const work = async (): Promise<void> => {
      for (let group = groups[next++]; group; group = groups[next++]) {
        if (this.#free === 0) await new Promise<void>(resolve => this.#waiting.push(resolve))
        else this.#free--
        try {
          await this.#group(group, run)
        } finally {
          const waiting = this.#waiting.shift()
          if (waiting) waiting()
          else this.#free++
        }
      }
    }
    const workers = Math.min(groups.length, Math.max(1, this.#free))
    await Promise.all(Array.from({ length: workers }, work))
  }

  async #group(group: Group, run: Run): Promise<void> {
    const error = await this.#attempt(group, run)
    if (!error) return
    // One of them is to blame: each for itself tells which.
    if (error.retry === 'reject' && group.length > 1) for (const task of group) await this.#group([task], run)
    else for (const { record } of group) run.outcomes[record] = error
  }

  async #attempt([first, ...others]: Group, run: Run): Promise<ConnectorError | undefined> {
    // Where nobody answers, the rest need not find that out one by one.
    if (run.away) return run.away
    if (run.signal.aborted) return undefined
    try {
      await this.#session.run([first.statement, ...others.map(task => task.statement)])
      return undefined
    } catch (error) {
      if (!isConnectorError(error)) throw error
      if (error.retry === 'reconnect' || error.retry === 'block') run.away ??= error
      return error
    }
  }
}

type Group = readonly [Task, ...Task[]]

interface Run {
  readonly outcomes: Outcome[]
  readonly signal: AbortSignal
  /** Why no further statement is sent. */
  away: ConnectorError | undefined
}

/** Puts rows of one partition together, in their order. */
function grouped(tasks: readonly Task[], most: number): Group[] {
  const groups: [Task, ...Task[]][] = []
  const open = new Map<string, { readonly group: [Task, ...Task[]]; bytes: number }>()
  for (const task of tasks) {
    const bytes = task.statement.values.reduce((sum, value) => sum + (value?.length ?? 0), 0)
    const found = open.get(task.partition)
    if (found && found.group.length < most && found.bytes + bytes <= MOST_BATCH_BYTES) {
      found.group.push(task)
      found.bytes += bytes
      continue
    }
    const group: [Task, ...Task[]] = [task]
    groups.push(group)
    open.set(task.partition, { group, bytes })
  }
  return groups
}
