import { identify, type ProcessIdentity, self } from './process-identity.ts'
import type { Lease } from './state.ts'

/**
 * Names the test run to its worker processes as `<pid>:<start time>` of the process that leads it. A shared server is
 * leased by the run rather than by the worker, so that it outlives the test file that started it.
 */
export const RUN_VARIABLE = 'PULSAR_IO_SERVICES_RUN'

export const runKey = (leader: ProcessIdentity): string => `${leader.pid}:${leader.startTime}`

/** The living run this process belongs to. */
function currentRun(env: NodeJS.ProcessEnv): ProcessIdentity | undefined {
  const pid = Number.parseInt(env[RUN_VARIABLE] ?? '', 10)
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  const leader = identify(pid)
  return leader && runKey(leader) === env[RUN_VARIABLE] ? leader : undefined
}

/** The lease on a shared server: the run's, or this process's own outside of a run. */
export function sharedLease(env: NodeJS.ProcessEnv = process.env): Lease {
  const run = currentRun(env)
  return run ? { ...run, run: runKey(run) } : self()
}

/** The lease on a dedicated server: always this process's own. */
export function dedicatedLease(env: NodeJS.ProcessEnv = process.env): Lease {
  const run = currentRun(env)
  return run ? { ...self(), run: runKey(run) } : self()
}
