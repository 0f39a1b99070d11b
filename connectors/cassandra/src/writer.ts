import { type ConnectorError, isConnectorError, type Outcome, TransientError } from '@pulsar-io/sdk'
import type { Session, Statement } from './client.ts'

/** A statement, and which record it is for. */
export interface Task extends Statement {
  readonly record: number
  /** The same for rows of the same Cassandra partition. */
  readonly partition: string
}

/** Makes the statements for the records from one place to before another. */
export type Tasks = (from: number, to: number) => readonly Task[]

/** Bytes of values in one unlogged batch at most: a large one holds up whatever the node does besides. */
const MOST_BATCH_BYTES = 64 * 1024
/** Records whose statements exist at the same time before they are sent: what dies young costs no memory. */
const WINDOW = 256
/** Milliseconds that the end waits for answers: the driver leaves timers behind where it is ended in the middle. */
const DRAIN_MS = 2000

/** Sends statements, so many at a time over all batches, and says of each record what became of it. */
export class Writer {
  readonly #session: Pick<Session, 'run'>
  readonly #batchSize: number
  readonly #concurrency: number
  readonly #running = new Set<Promise<void>>()
  /** Batches with statements that were not sent, the oldest first. */
  #jobs: Job[] = []
  #active = 0
  readonly #closing = new AbortController()

  constructor(session: Pick<Session, 'run'>, concurrency: number, batchSize: number) {
    this.#session = session
    this.#concurrency = concurrency
    this.#batchSize = batchSize
  }

  /** Puts an error into `outcomes` for each record that is not written. Ends early when the signal aborts. */
  async write(tasks: Tasks, outcomes: Outcome[], given: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([given, this.#closing.signal])
    const run: Run = { outcomes, signal, away: undefined }
    let abort: () => void = () => undefined
    const aborted = new Promise<void>(resolve => {
      abort = resolve
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    })
    const done = this.#all(tasks, run).finally(() => this.#running.delete(done))
    this.#running.add(done)
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
    outcomes.forEach((outcome, i) => {
      outcomes[i] = outcome ?? stopped
    })
  }

  /** Sends nothing more, and waits for what is under way, but not for ever. */
  async close(): Promise<void> {
    this.#closing.abort()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, DRAIN_MS)
    })
    await Promise.race([Promise.allSettled(this.#running), late])
    clearTimeout(timer)
  }

  /** Resolves when each statement of the batch was answered. */
  #all(tasks: Tasks, run: Run): Promise<void> {
    const count = run.outcomes.length
    let groups: readonly Group[] = []
    let [from, next] = [0, 0]
    const take = (): Group | undefined => {
      while (next === groups.length && from < count) {
        const to = Math.min(count, from + WINDOW)
        groups = grouped(tasks(from, to), this.#batchSize)
        from = to
        next = 0
      }
      return groups[next++]
    }
    return new Promise<void>((resolve, reject) => {
      this.#jobs.push({ run, take, pending: 0, taken: false, resolve, reject })
      for (let i = 0; i < count && this.#active < this.#concurrency; i++) void this.#work()
    })
  }

  /** Sends one statement after the other, of the oldest batch that has any left. No promise more than needed: this runs once per row. */
  async #work(): Promise<void> {
    this.#active++
    for (let job = this.#jobs[0]; job; job = this.#jobs[0]) {
      try {
        const group = job.take()
        if (group === undefined) {
          this.#jobs.shift()
          job.taken = true
        } else {
          job.pending++
          try {
            if (job.run.away) fail(group, job.run, job.run.away)
            else if (!job.run.signal.aborted) await this.#session.run(group)
          } catch (error) {
            await this.#failed(group, job.run, error)
          }
          job.pending--
        }
      } catch (error) {
        this.#jobs = this.#jobs.filter(each => each !== job)
        job.reject(error)
      }
      if (job.taken && job.pending === 0) job.resolve()
    }
    this.#active--
  }

  async #failed(group: Group, run: Run, error: unknown): Promise<void> {
    if (!isConnectorError(error)) throw error
    // Where nobody answers, the rest need not find that out one by one.
    if (error.retry === 'reconnect' || error.retry === 'block') run.away ??= error
    if (error.retry !== 'reject' || group.length === 1) {
      fail(group, run, error)
      return
    }
    // One of them is to blame: each for itself tells which.
    for (const task of group) {
      try {
        await this.#session.run([task])
      } catch (alone) {
        await this.#failed([task], run, alone)
      }
    }
  }
}

function fail(group: Group, { outcomes }: Run, error: ConnectorError): void {
  for (const { record } of group) outcomes[record] = error
}

type Group = readonly [Task, ...Task[]]

interface Run {
  readonly outcomes: Outcome[]
  readonly signal: AbortSignal
  /** Why no further statement is sent. */
  away: ConnectorError | undefined
}

/** One batch. */
interface Job {
  readonly run: Run
  /** The next statements to send; undefined when there are none left. */
  readonly take: () => Group | undefined
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
  /** Statements without an answer. */
  pending: number
  /** Nothing is left to send. */
  taken: boolean
}

/** Puts rows of one partition together, in their order. */
function grouped(tasks: readonly Task[], most: number): Group[] {
  const groups: [Task, ...Task[]][] = []
  const open = new Map<string, [Task, ...Task[]]>()
  for (const task of tasks) {
    const found = open.get(task.partition)
    if (found) {
      // Most partitions have one row only, whose size nobody needs to know.
      const bytes = found.reduce((sum, each) => sum + sizeOf(each), sizeOf(task))
      if (found.length < most && bytes <= MOST_BATCH_BYTES) {
        found.push(task)
        continue
      }
    }
    const group: [Task, ...Task[]] = [task]
    groups.push(group)
    open.set(task.partition, group)
  }
  return groups
}

const sizeOf = ({ values }: Task): number => values.reduce((sum, value) => sum + (value?.length ?? 0), 0)
