import type { Place } from './place.ts'

/** What happens to a flow on its way. */
export type Fault = Ending | Disturbance

/** Ends the process, which is then started again. */
interface Ending {
  readonly name: string
  readonly signal: 'SIGKILL' | 'SIGTERM'
}

/** Happens while the process goes on. */
interface Disturbance {
  readonly name: string
  act(place: Place): Promise<void>
}

export const kill: Fault = { name: 'kill -9', signal: 'SIGKILL' }
export const restart: Fault = { name: 'orderly restart', signal: 'SIGTERM' }

/** What can be done to a place without ending the process. */
export function disturbancesOf(place: Place): readonly Disturbance[] {
  const { unload, restart: restartBroker, crash } = place
  return [
    ...(unload === undefined ? [] : [{ name: 'topic unload', act: unload }]),
    ...(restartBroker === undefined ? [] : [{ name: 'broker restart', act: restartBroker }]),
    ...(crash === undefined ? [] : [{ name: 'broker kill -9', act: crash }]),
  ]
}
