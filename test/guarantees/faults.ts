import { setTimeout as sleep } from 'node:timers/promises'
import type { TcpProxy } from '@pulsar-io/testkit'
import type { Guarantee } from './guarantee.ts'
import type { Place } from './place.ts'

/** What happens to a flow on its way. */
export type Fault = Ending | Disturbance | Joining

/** Ends the process, which is then started again. */
interface Ending {
  readonly name: string
  readonly signal: 'SIGKILL' | 'SIGTERM'
}

/** Happens while the process goes on. */
export interface Disturbance {
  readonly name: string
  act(): Promise<void>
}

/** Another process with more instances of the same connector comes, and is killed at the next fault; then another. */
interface Joining {
  readonly name: string
  readonly join: readonly string[]
}

export const kill: Fault = { name: 'kill -9', signal: 'SIGKILL' }
export const restart: Fault = { name: 'orderly restart', signal: 'SIGTERM' }
export const rescale: Fault = { name: '1 to 3 instances and back', join: ['--parallelism', '2'] }

/** Milliseconds for which a system is slow or away. */
const TROUBLE_MS = 700

/** What can be done to a place without ending the process, and the promise has to hold all the same. */
export function disturbancesOf(place: Place, guarantee: Guarantee): readonly Disturbance[] {
  const { unload, restart: restartBroker, proxy } = place
  // A broker that crashes has forgotten what was acknowledged in the last second: records come again, which only
  // ATMOST_ONCE forbids, and no client can help it.
  const crash = guarantee === 'ATMOST_ONCE' ? undefined : place.crash
  return [
    ...(unload === undefined ? [] : [{ name: 'topic unload', act: unload }]),
    ...(restartBroker === undefined ? [] : [{ name: 'broker restart', act: restartBroker }]),
    ...(crash === undefined ? [] : [{ name: 'broker kill -9', act: crash }]),
    ...(proxy === undefined ? [] : connectionFaults('connection', proxy)),
  ]
}

/** What can be done to the way to a system, which is called `what`. */
export function connectionFaults(what: string, proxy: TcpProxy): readonly Disturbance[] {
  const forAWhile = async (begin: () => unknown) => {
    await begin()
    await sleep(TROUBLE_MS)
    await proxy.restore()
  }
  return [
    {
      name: `${what} cut`,
      // In the middle of what is sent next, each way, and then wherever it is.
      act: async () => {
        proxy.cutOnce(10_000, 'up')
        await sleep(100)
        proxy.cutOnce(10_000, 'down')
        await sleep(100)
        proxy.cutAll()
      },
    },
    {
      name: `${what} slow`,
      act: () =>
        forAWhile(() => {
          proxy.latencyMs = 100
        }),
    },
    { name: `${what} refused`, act: () => forAWhile(() => proxy.interrupt()) },
  ]
}

/** One disturbance after the other, each time the next. */
export function inTurn(disturbances: readonly Disturbance[]): Disturbance {
  let turn = 0
  return {
    name: disturbances.map(({ name }) => name).join(', '),
    act: async () => disturbances[turn++ % disturbances.length]?.act(),
  }
}
