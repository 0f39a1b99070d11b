import { setTimeout as sleep } from 'node:timers/promises'
import type { Ended, RuntimeProcess } from '../support/runtime-process.ts'
import type { Workspace } from '../support/workspace.ts'
import type { Fault } from './faults.ts'
import type { Flow } from './flows.ts'

/** What was done to a flow on its way. */
export interface Driven {
  /** About how many records had arrived at each fault. */
  readonly at: readonly number[]
  /** The last run, which ended because there was nothing left to do. */
  readonly end: Ended
  /** The runs that were ended before by `SIGTERM`. */
  readonly stopped: readonly Ended[]
}

/**
 * Sends a flow through, with a fault at random points on the way, as often as `times` says.
 *
 * @param random numbers from 0 to 1
 */
export async function drive(
  user: Workspace,
  flow: Flow,
  guarantee: string,
  { fault, times, random }: { readonly fault: Fault; readonly times: number; readonly random: () => number },
): Promise<Driven> {
  const args = [
    ...flow.args,
    '--processing-guarantees',
    guarantee,
    '--name',
    flow.place.connector,
    '--exit-when-idle',
    flow.place.idle,
  ]
  const at: number[] = []
  const stopped: Ended[] = []
  // Ascending points spread over the whole way, so that each run gets some of it done.
  const points = Array.from({ length: times }, (_, i) => ((i + 0.1 + 0.8 * random()) / (times + 0.5)) * flow.records)
  let run: RuntimeProcess | undefined
  let joined: RuntimeProcess | undefined
  for (const point of points) {
    run ??= user.start(args)
    const seen = await untilArrived(run, user, flow, point)
    await sleep(random() * 15)
    if ('signal' in fault) {
      run.kill(fault.signal)
      const end = await run.end()
      if (fault.signal === 'SIGTERM') stopped.push(end)
      run = undefined
    } else if ('join' in fault) {
      joined?.kill('SIGKILL')
      joined = user.start([...args, ...fault.join])
    } else if (!run.over) {
      await fault.act()
    }
    const left = await flow.progress(user)
    if (left < seen) throw new Error(`${seen} records had arrived, and ${left} were left after ${fault.name}`)
    at.push(Math.round(left))
  }
  const end = await (run ?? user.start(args)).end(120_000)
  // What the killed one held may have come only after the other one had nothing to do any more.
  if (joined !== undefined) stopped.push(await joined.end(120_000))
  return { at, end, stopped }
}

async function untilArrived(run: RuntimeProcess, user: Workspace, flow: Flow, point: number): Promise<number> {
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
  return seen
}

/** Before that, a process knows nothing of signals. */
function runs(process: RuntimeProcess): boolean {
  return process.log.some(({ msg }) => msg === 'running')
}
