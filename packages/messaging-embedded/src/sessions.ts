import { readFileSync, readlinkSync } from 'node:fs'
import { randomId } from '@pulsar-io/messaging'
import type { Environment } from './environment.ts'
import { randomVersion } from './environment.ts'

/** Who uses the directory: one thread of one process. Type, not interface: it is stored as JSON. */
export type Session = {
  readonly id: string
  readonly pid: number
  /** `/proc/PID/task/TID/stat` tells whether the thread lives; empty where there is no such file. */
  readonly stat: string
  /** When the thread started, in the units of its stat file: a reused number is not the same thread. */
  readonly started: string
  /** Process numbers mean nothing outside their namespace. */
  readonly namespace: string
  /** Milliseconds since 1970. */
  readonly seen: number
}

const HEARTBEAT_MS = 5_000
/** A session whose process cannot be looked at is gone when it was silent for so long. */
const LEASE_MS = 15_000
const CHECK_MS = 500
/**
 * Live sessions behind its own that each looks after: with hundreds of threads, everybody looking after everybody would
 * cost more than the work; with one alone, a thread that hangs would hide the death of the next.
 */
const NEIGHBOURS = 3

/** This thread's session, and what it finds out about the others. */
export class Sessions {
  readonly own: Session
  private readonly env: Environment
  private readonly onDead: (ids: ReadonlySet<string>) => Promise<void>
  private readonly report: (error: unknown) => void
  private heartbeat: NodeJS.Timeout | undefined
  private check: NodeJS.Timeout | undefined
  private checking: Promise<void> | undefined

  constructor(env: Environment, onDead: (ids: ReadonlySet<string>) => Promise<void>, report: (error: unknown) => void) {
    this.env = env
    this.onDead = onDead
    this.report = report
    this.own = { id: randomId(), ...whoAmI(), seen: Date.now() }
  }

  async start(): Promise<void> {
    await this.beat()
    this.heartbeat = setInterval(() => void this.beat().catch(this.report), HEARTBEAT_MS)
    this.check = setInterval(() => void this.reapNeighbours().catch(this.report), CHECK_MS)
    this.heartbeat.unref()
    this.check.unref()
    await this.reap()
  }

  async stop(): Promise<void> {
    clearInterval(this.heartbeat)
    clearInterval(this.check)
    await this.checking
    await this.env.write(this.env.sessions, () => void this.env.sessions.remove(this.own.id))
  }

  /** Whether the holder of this id is there; one call is cheap, but reads a file. */
  isAlive(id: string): boolean {
    if (id === this.own.id) return true
    const session = this.env.read(this.env.sessions, id)?.value as Session | undefined
    return session !== undefined && this.lives(session)
  }

  /** Process number of a session, for messages. */
  pidOf(id: string): number | undefined {
    return (this.env.read(this.env.sessions, id)?.value as Session | undefined)?.pid
  }

  /** Looks for sessions that ended without saying so, and takes away what they held. */
  reap(): Promise<void> {
    return this.checkBehind(this.checking ?? Promise.resolve(), Number.POSITIVE_INFINITY)
  }

  /** The same for those behind its own in a circle, until it has met so many that live. */
  private async reapNeighbours(): Promise<void> {
    if (this.checking === undefined) await this.checkBehind(Promise.resolve(), NEIGHBOURS)
  }

  private checkBehind(before: Promise<void>, neighbours: number): Promise<void> {
    const check = () => this.reapNow(neighbours)
    // Who asked for the one before hears of its error.
    const checking = before.then(check, check).finally(() => {
      if (this.checking === checking) this.checking = undefined
    })
    this.checking = checking
    return checking
  }

  private async reapNow(neighbours: number): Promise<void> {
    this.env.refresh()
    const dead = new Set<string>()
    let living = 0
    for (const session of this.others()) {
      if (this.lives(session)) living += 1
      else dead.add(session.id)
      if (living === neighbours) break
    }
    if (dead.size === 0) return
    await this.onDead(dead)
    await this.env.write(this.env.sessions, () => {
      for (const id of dead) void this.env.sessions.remove(id)
    })
  }

  /** All but its own, from its own on and round. */
  private *others(): Generator<Session> {
    const { sessions } = this.env
    const { id } = this.own
    for (const range of [{ start: id, exclusiveStart: true }, { end: id }])
      for (const { value } of sessions.getRange({ ...range, snapshot: false })) yield value as Session
  }

  private lives(session: Session): boolean {
    if (session.namespace !== this.own.namespace || session.namespace === '') {
      return Date.now() - session.seen < LEASE_MS
    }
    const fresh = Date.now() - session.seen < LEASE_MS
    if (session.stat === '') return existence(session.pid) !== 'gone' && fresh
    const started = startOf(session.stat)
    if (started !== undefined) return started === session.started
    // No such thread, or /proc hides the processes of other users.
    return existence(session.pid) === 'foreign' && fresh
  }

  private async beat(): Promise<void> {
    const session: Session = { ...this.own, seen: Date.now() }
    await this.env.write(this.env.sessions, () => this.env.put(this.env.sessions, session.id, session, randomVersion()))
  }
}

function whoAmI(): Omit<Session, 'id' | 'seen'> {
  try {
    // Read by the calling thread, so it names just that one: `PID/task/TID`.
    const stat = `/proc/${readlinkSync('/proc/thread-self')}/stat`
    const started = startOf(stat)
    if (started === undefined) throw new Error(`${stat} tells no start time`)
    return { pid: process.pid, stat, started, namespace: readlinkSync('/proc/self/ns/pid') }
  } catch {
    // No Linux: the process number and the heartbeat have to do.
    return { pid: process.pid, stat: '', started: '', namespace: process.platform }
  }
}

/** Start time of a thread that runs, undefined when it is gone. */
function startOf(stat: string): string | undefined {
  let text: string
  try {
    text = readFileSync(stat, 'utf8')
  } catch {
    // The file is gone with its thread.
    return undefined
  }
  // The name in parentheses may hold anything; the state (Z: killed and not yet collected) is the first field behind it,
  // the start time the twentieth.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

/** Whether there is a process of this number, and whether it belongs to somebody else. */
function existence(pid: number): 'ours' | 'foreign' | 'gone' {
  try {
    process.kill(pid, 0)
    return 'ours'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'foreign' : 'gone'
  }
}
