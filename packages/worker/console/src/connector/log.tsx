import { useRef, useState } from 'react'
import { api } from '../api/client.ts'
import type { LogLine, Place } from '../api/types.ts'
import { Problem } from '../problem.tsx'
import { usePoll } from '../use-poll.ts'

/** Lines that are shown. */
const MAX_LINES = 500

interface Props {
  readonly place: Place
  readonly instances: number
}

/** The latest log lines of an instance. */
export function Log({ place, instances }: Props) {
  const [instanceId, setInstanceId] = useState(0)
  const lines = useRef<readonly LogLine[]>([])
  const { value, error } = usePoll(`log ${instanceId}`, async signal => {
    const since = lines.current.at(-1)?.seq ?? 0
    const more = await api.logs(place, instanceId, since, signal)
    lines.current = [...lines.current, ...more].slice(-MAX_LINES)
    return lines.current
  })
  const choose = (id: number) => {
    lines.current = []
    setInstanceId(id)
  }
  return (
    <section aria-labelledby="log">
      <div className="bar">
        <h3 id="log">Log</h3>
        <label>
          Instance
          <select value={instanceId} onChange={event => choose(Number(event.target.value))}>
            {Array.from({ length: instances }, (_, id) => id).map(id => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
      </div>
      <Problem error={error} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <div className="log" role="log" aria-labelledby="log" tabIndex={0}>
        {value?.map(line => (
          <p key={line.seq} className={line.level}>
            <time dateTime={new Date(line.time).toISOString()}>{new Date(line.time).toLocaleTimeString()}</time>{' '}
            <b>{line.level}</b> {line.message}{' '}
            {line.fields !== undefined && <span className="fields">{JSON.stringify(line.fields)}</span>}
          </p>
        ))}
        {value?.length === 0 && <p>No lines yet.</p>}
      </div>
    </section>
  )
}
