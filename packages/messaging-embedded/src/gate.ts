import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SharedLock } from './shared-lock.ts'

/**
 * Keeps the opening and closing of lmdb apart from writing, over all threads and processes of a directory.
 *
 * liblmdb (mdb_env_open2) reads the number of the last transaction from the file and puts it, some time later and without
 * the write lock, into the memory that all processes share: a transaction that somebody commits in between is undone, and
 * its pages are handed out twice. Likewise mdb_env_close destroys the mutexes when nobody else seems to be there, while
 * another process may just be on its way in. So whoever opens or closes does it alone.
 *
 * Writers share the floor. They walk onto it through a turnstile, which whoever wants to be alone holds; so new writers
 * wait outside while those on the floor finish, and opening takes its turn under any load. Those who want to be alone stand
 * in line for the turnstile at a door of their own, and where there is a line, writers get through between two of them.
 */
export class Gate {
  private readonly folder: string
  private readonly turnstile: SharedLock
  private readonly floor: SharedLock
  private writing = 0
  private onFloorSince: number | undefined
  private readonly waiting: Waiting[] = []
  private retry: NodeJS.Timeout | undefined
  private retryMs = RETRY_MS
  private wakeEmpty: (() => void) | undefined

  constructor(directory: string) {
    this.folder = join(directory, 'gate')
    mkdirSync(this.folder, { recursive: true })
    this.turnstile = new SharedLock(join(this.folder, 'turnstile'))
    try {
      this.floor = new SharedLock(join(this.folder, 'floor'))
    } catch (error) {
      this.turnstile.close()
      throw error
    }
  }

  /**
   * Begins a write; resolves in the order of the calls. {@link leave} has to follow. Nothing to wait for where nobody
   * opens or closes at the moment.
   */
  enter(): Promise<void> | undefined {
    if (this.waiting.length === 0 && this.step()) return undefined
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.admit()
    })
  }

  /** Ends a write. */
  leave(): void {
    this.writing -= 1
    if (this.writing > 0) return
    this.floor.release()
    this.onFloorSince = undefined
    this.wakeEmpty?.()
    this.admit()
  }

  /**
   * Runs `work` while nobody writes, opens or closes. Rejects when others do not let it within {@link PATIENCE_MS}, which
   * takes a process that was stopped in the middle of a write.
   */
  async alone<T>(work: () => T | Promise<T>): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS
    // Made anew each time: it is needed twice in a life, and takes memory.
    const door = new SharedLock(join(this.folder, 'door'))
    try {
      const inLine = await untilTaken(() => door.tryAlone(), deadline)
      if (inLine) await sleep(BREATH_MS)
      await untilTaken(() => this.turnstile.tryAlone(), deadline)
      try {
        return await this.onEmptyFloor(work, deadline)
      } finally {
        this.turnstile.release()
      }
    } finally {
      door.close()
    }
  }

  private async onEmptyFloor<T>(work: () => T | Promise<T>, deadline: number): Promise<T> {
    while (this.writing > 0) {
      await new Promise<void>(resolve => {
        this.wakeEmpty = resolve
      })
    }
    // Who holds the turnstile is the only one to wait for this, and keeps all others waiting.
    await untilTaken(() => this.floor.tryAlone(), deadline, RETRY_MS)
    try {
      return await work()
    } finally {
      this.floor.release()
    }
  }

  close(): void {
    clearTimeout(this.retry)
    this.floor.close()
    this.turnstile.close()
  }

  private admit(): void {
    clearTimeout(this.retry)
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      try {
        if (!this.step()) break
        this.waiting.shift()
        first.resolve()
      } catch (error) {
        this.waiting.shift()
        first.reject(error)
      }
    }
    // On the floor: the last one who leaves goes on.
    if (this.waiting.length === 0 || this.onFloorSince !== undefined) {
      this.retryMs = RETRY_MS
      return
    }
    this.retry = setTimeout(() => this.admit(), jittered(this.retryMs))
    this.retryMs = longer(this.retryMs)
  }

  /** One writer more, if that can be now. */
  private step(): boolean {
    const now = performance.now()
    if (this.onFloorSince === undefined) {
      if (!this.turnstile.tryShared()) return false
      this.turnstile.release()
      if (!this.floor.tryShared()) return false
      this.onFloorSince = now
    } else if (now - this.onFloorSince > STAY_MS) {
      // Writes that overlap without end would keep others from opening.
      return false
    }
    this.writing += 1
    return true
  }
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

const STAY_MS = 20
/** Milliseconds that the turnstile stays open to writers between two who want to be alone. */
const BREATH_MS = 5
/** Milliseconds between the first tries, and between the later ones at most. */
const RETRY_MS = 1
const SLOWEST_RETRY_MS = 32
const PATIENCE_MS = 30_000

/**
 * Hundreds of threads that close at once would otherwise take the processors from the one whose turn it is, and hardly
 * ever let a writer in between; a lease that is renewed by a write ended over it.
 */
function longer(ms: number): number {
  return Math.min(SLOWEST_RETRY_MS, ms * 2)
}

/** Who waits for the same does not try at the same time. */
function jittered(ms: number): number {
  return ms * (0.5 + Math.random())
}

/** Resolves whether it had to wait. */
async function untilTaken(take: () => boolean, deadline: number, slowestMs = SLOWEST_RETRY_MS): Promise<boolean> {
  let waited = false
  for (let ms = RETRY_MS; !take(); ms = Math.min(slowestMs, longer(ms))) {
    waited = true
    if (performance.now() > deadline) {
      throw new Error(
        `another process has been in the middle of a write for ${PATIENCE_MS / 1000} s; look for one that is stopped (state T in ps) and continue or end it`,
      )
    }
    await sleep(jittered(ms))
  }
  return waited
}
