import type { Status } from '../api/types.ts'
import { errorsOf, latestErrors, receivedOf, shown, writtenOf } from '../numbers.ts'
import { State } from '../state.tsx'

/** How each instance is. */
export function Instances({ status }: { readonly status: Status }) {
  return (
    <table>
      <caption>Instances</caption>
      <thead>
        <tr>
          <th scope="col">Instance</th>
          <th scope="col">State</th>
          {['Received', 'Written', 'In flight', 'Lag', 'Retried', 'Dead letters', 'Errors', 'Restarts'].map(title => (
            <th scope="col" className="number" key={title}>
              {title}
            </th>
          ))}
          <th scope="col">Worker</th>
        </tr>
      </thead>
      <tbody>
        {status.instances.map(({ instanceId, status: each }) => (
          <tr key={instanceId}>
            <th scope="row">{instanceId}</th>
            <td>
              <State name={each.state ?? (each.running ? 'running' : 'stopped')} />
              {each.reason !== undefined && <p className="reason">{each.reason}</p>}
            </td>
            <td className="number">{shown(receivedOf(each))}</td>
            <td className="number">{shown(writtenOf(each))}</td>
            <td className="number">{shown(each.inFlight)}</td>
            <td className="number">{shown(each.lag)}</td>
            <td className="number">{shown(each.numRetried)}</td>
            <td className="number">{shown(each.numDeadLettered)}</td>
            <td className="number">{shown(errorsOf(each))}</td>
            <td className="number">{shown(each.numRestarts)}</td>
            <td>{each.workerId}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** The latest errors of all instances. */
export function Errors({ status }: { readonly status: Status }) {
  const errors = status.instances.flatMap(({ instanceId, status: each }) =>
    latestErrors(each).map(error => ({ ...error, instanceId })),
  )
  if (errors.length === 0) return null
  errors.sort((a, b) => b.timestampMs - a.timestampMs)
  return (
    <section aria-labelledby="errors">
      <h3 id="errors">Latest errors</h3>
      <ul className="errors">
        {errors.slice(0, 20).map(({ instanceId, timestampMs, exceptionString }) => (
          <li key={`${instanceId} ${timestampMs} ${exceptionString}`}>
            <time dateTime={new Date(timestampMs).toISOString()}>{new Date(timestampMs).toLocaleString()}</time>{' '}
            instance {instanceId}: {exceptionString}
          </li>
        ))}
      </ul>
    </section>
  )
}
