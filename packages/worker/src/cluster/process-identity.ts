import { readFileSync, readlinkSync } from 'node:fs'

/**
 * A process, told apart from all others on all machines; empty strings where the platform does not tell. Lets whoever
 * shares the machine see at once that a process is gone, instead of waiting for its lease to end.
 */
export interface ProcessIdentity {
  /** One start of one machine. */
  readonly boot: string
  /** Process numbers mean nothing outside their namespace. */
  readonly namespace: string
  readonly pid: number
  /** When it started, in ticks of the machine: a reused number is not the same process. */
  readonly started: string
}

/** Who we are. */
export function ownProcess(): ProcessIdentity {
  try {
    return {
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      namespace: readlinkSync('/proc/self/ns/pid'),
      pid: process.pid,
      started: startOf(process.pid) ?? '',
    }
  } catch {
    // No Linux: the lease has to do.
    return { boot: '', namespace: '', pid: process.pid, started: '' }
  }
}

/** Whether a process has certainly ended, as `self` can see it. */
export function hasEnded(other: ProcessIdentity, self: ProcessIdentity): boolean {
  const visible =
    other.boot !== '' &&
    other.started !== '' &&
    other.boot === self.boot &&
    other.namespace === self.namespace &&
    // Where /proc hides the processes of other users, ours is all that can be seen.
    startOf(1) !== undefined
  return visible && startOf(other.pid) !== other.started
}

/** Start time of a process that runs; undefined when it is gone. */
function startOf(pid: number): string | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    // The file is gone with its process.
    return undefined
  }
  // The name in parentheses may hold anything. Behind it come the state (Z and X: ended) and, as the twentieth, the start.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}
