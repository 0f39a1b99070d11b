import { uptime } from 'node:os'

/** Milliseconds on a clock of this machine that never goes back; only differences mean something. */
export type Clock = () => number

/**
 * A clock that also counts the time for which the machine was suspended: a lease goes on while a laptop or a virtual
 * machine sleeps, but the clock behind `performance.now` stands still meanwhile.
 */
export function suspendProofClock(): Clock {
  const started = performance.now()
  const booted = uptime() * 1000
  return () => Math.max(performance.now() - started, uptime() * 1000 - booted)
}
