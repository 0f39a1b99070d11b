import { useRef } from 'react'
import { api } from '../api/client.ts'
import type { Place, Status } from '../api/types.ts'
import { stateOf, totals } from '../numbers.ts'
import { Problem } from '../problem.tsx'
import { State } from '../state.tsx'
import { usePoll } from '../use-poll.ts'
import { Actions } from './actions.tsx'
import { Chart } from './chart.tsx'
import { DeadLetters } from './dead-letters.tsx'
import { type Point, withReading } from './history.ts'
import { Errors, Instances } from './instances.tsx'
import { Log } from './log.tsx'

/** Milliseconds between two looks at the configuration, which others may change. */
const CONFIG_MS = 10_000

interface Reading {
  readonly status: Status
  readonly history: readonly Point[]
}

/** One connector. */
export function ConnectorPage({ place }: { readonly place: Place }) {
  const history = useRef<readonly Point[]>([])
  const { value, error, refresh } = usePoll<Reading>('status', async signal => {
    const status = await api.status(place, signal)
    history.current = withReading(history.current, totals(status, performance.now()), Date.now() / 1_000)
    return { status, history: history.current }
  })
  return (
    <>
      <div className="bar">
        <h2>
          {place.name} <small>{place.kind}</small>
        </h2>
        {value !== undefined && <State name={stateOf(value.status)} />}
      </div>
      <Problem error={error} />
      {value !== undefined && (
        <>
          <Actions place={place} onDone={refresh} />
          <Charts history={value.history} place={place} />
          <Instances status={value.status} />
          <Errors status={value.status} />
          <DeadLetters place={place} />
          <Log place={place} instances={value.status.numInstances} />
          <Configuration place={place} />
        </>
      )}
    </>
  )
}

function Charts({ history, place }: { readonly history: readonly Point[]; readonly place: Place }) {
  const times = history.map(({ time }) => time)
  return (
    <div className="charts">
      <Chart title="Records per second" times={times} values={history.map(({ rate }) => rate)} />
      <Chart title="Batch latency, p99 in ms" times={times} values={history.map(({ latency }) => latency)} />
      {place.kind === 'sink' && <Chart title="Lag" times={times} values={history.map(({ lag }) => lag)} />}
    </div>
  )
}

function Configuration({ place }: { readonly place: Place }) {
  const { value, error } = usePoll('config', signal => api.config(place, signal), CONFIG_MS)
  return (
    <section aria-labelledby="configuration">
      <h3 id="configuration">Configuration</h3>
      <Problem error={error} />
      {value !== undefined && <pre>{JSON.stringify(value.config, null, 2)}</pre>}
    </section>
  )
}
