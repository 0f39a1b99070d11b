import { useState } from 'react'
import { api } from '../api/client.ts'
import type { Place } from '../api/types.ts'
import { Problem } from '../problem.tsx'
import { go } from '../route.ts'
import { asError } from '../use-poll.ts'
import { hrefOf } from '../view.ts'
import { Confirm } from './confirm.tsx'

interface Props {
  readonly place: Place
  readonly onDone: () => void
}

/** Starts, stops, restarts, pauses and deletes a connector. What is not undone at once asks first. */
export function Actions({ place, onDone }: Props) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const [asking, setAsking] = useState<'stop' | 'delete'>()
  const { kind, tenant, namespace, name } = place
  const run = async (work: () => Promise<void>) => {
    setBusy(true)
    setError(undefined)
    setAsking(undefined)
    try {
      await work()
      onDone()
    } catch (reason) {
      setError(asError(reason))
    } finally {
      setBusy(false)
    }
  }
  const remove = async () => {
    await api.remove(place)
    go({ page: 'list', tenant, namespace })
  }
  return (
    <>
      <div className="actions">
        <button type="button" disabled={busy} onClick={() => run(() => api.act(place, 'start'))}>
          Start
        </button>
        <button type="button" disabled={busy} onClick={() => setAsking('stop')}>
          Stop…
        </button>
        <button type="button" disabled={busy} onClick={() => run(() => api.act(place, 'restart'))}>
          Restart
        </button>
        <button type="button" disabled={busy} onClick={() => run(() => api.act(place, 'pause'))}>
          Pause
        </button>
        <button type="button" disabled={busy} onClick={() => run(() => api.act(place, 'resume'))}>
          Resume
        </button>
        <a className="button" href={hrefOf({ page: 'edit', place })}>
          Edit
        </a>
        <button type="button" disabled={busy} onClick={() => setAsking('delete')}>
          Delete…
        </button>
      </div>
      <Problem error={error} />
      {asking === 'stop' && (
        <Confirm
          title={`Stop ${name}?`}
          text="What is in flight is settled; then no records flow until it is started again."
          action="Stop"
          onConfirm={() => run(() => api.act(place, 'stop'))}
          onCancel={() => setAsking(undefined)}
        />
      )}
      {asking === 'delete' && (
        <Confirm
          title={`Delete ${name}?`}
          text={
            kind === 'sink'
              ? 'Its configuration goes, and its subscription unless cleanupSubscription is false.'
              : 'Its configuration goes. Its checkpoint stays for a source of the same name.'
          }
          action="Delete"
          onConfirm={() => run(remove)}
          onCancel={() => setAsking(undefined)}
        />
      )}
    </>
  )
}
