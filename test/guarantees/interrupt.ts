import { setTimeout as sleep } from 'node:timers/promises'
import type { Ended, RuntimeProcess } from '../support/runtime-process.ts'
import type { Workspace } from '../support/workspace.ts'
import type { Flow } from './flows.ts'

/** What was done to a flow on its way. */
export interface Interrupted {
  /** How many records had arrived at each interruption. */
  readonly at: readonly number[]
  /** The last run, which ended because there was nothing left to do. */
  readonly end: Ended
  /** The runs that were ended before by `SIGTERM`. */
  readonly stopped: readonly Ended[]
}

/**
 * Sends a flow through, and ends it with `signal` at random points on the way, as often as `times` says.
 *
 * @param random numbers from 0 to 1
 */
export async function interrupt(
  user: Workspace,
  flow: Flow,
  guarantee: string,
  signal: 'SIGKILL' | 'SIGTERM',
  times: number,
  random: () => number,
): Promise<Interrupted> {
  const args = [...flow.args, '--processing-guarantees', guarantee, '--name', 'flow', '--exit-when-idle', '400ms']
  const at: number[] = []
  const stopped: Ended[] = []
  // Ascending points spread over the whole way, so that each run gets some of it done.
  const points = Array.from({ length: times }, (_, i) => ((i + 0.1 + 0.8 * random()) / (times + 0.5)) * flow.records)
  for (const point of points) {
    const run = user.start(args)
    let seen = 0
    await run.while(
      async () => {
        if (run.over) return true
        if (!runs(run)) return false
        seen = await flow.progress(user)
        return seen >= point
      },
      { pollMs: 3, what: `${point} records` },
    )
    await sleep(random() * 15)
    run.kill(signal)
    const end = await run.end()
    const left = await flow.progress(user)
    if (left < seen) throw new Error(`${seen} records had arrived, and ${left} were left after ${signal}`)
    at.push(left)
    if (signal === 'SIGTERM') stopped.push(end)
  }
  const end = await user.run(args)
  return { at, end, stopped }
}

/** Before that, a process knows nothing of signals. */
function runs(process: RuntimeProcess): boolean {
  return process.log.some(({ msg }) => msg === 'running')
}
