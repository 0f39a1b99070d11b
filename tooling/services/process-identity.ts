import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that cannot be confused with a later one that got the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** As the operating system tells it: clock ticks since boot on Linux, a date elsewhere. */
  readonly startTime: string
}

const GRACE_MS = 20_000
const KILL_MS = 10_000

/** The identity of a running process; `undefined` for one that has ended, also when nobody has collected it yet. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = process.platform === 'linux' ? linuxStartTime(pid) : psStartTime(pid)
  return startTime === undefined ? undefined : { pid, startTime }
}

/** Field 22 of /proc/<pid>/stat; the command name before it may hold blanks and parentheses. See proc(5). */
function linuxStartTime(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined // no such process
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  return state === 'Z' || state === 'X' ? undefined : startTime
}

function psStartTime(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return line.startsWith('Z') ? undefined : line.slice(line.indexOf(' ')).trim()
  } catch {
    return undefined // ps ends with 1 when there is no such process
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTime === identity.startTime
}

export function self(): ProcessIdentity {
  const identity = identify(process.pid)
  if (!identity) throw new Error(`cannot read the start time of process ${process.pid}`)
  return identity
}

/** Signals the whole group that a server leads. A process that ended in between is no error. */
function signalGroup(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return
  try {
    process.kill(-identity.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function waitForEnd(identity: ProcessIdentity, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false
    await sleep(50)
  }
  return true
}

/** Ends the group with SIGTERM, or SIGKILL when it does not listen. Resolves when its leader is gone. */
export async function terminate(identity: ProcessIdentity, graceMs = GRACE_MS): Promise<void> {
  signalGroup(identity, 'SIGTERM')
  if (!(await waitForEnd(identity, graceMs))) await slay(identity)
}

/** Ends the group with SIGKILL. @throws when it is still there afterwards. */
export async function slay(identity: ProcessIdentity): Promise<void> {
  signalGroup(identity, 'SIGKILL')
  if (!(await waitForEnd(identity, KILL_MS))) throw new Error(`process ${identity.pid} survives SIGKILL`)
}
