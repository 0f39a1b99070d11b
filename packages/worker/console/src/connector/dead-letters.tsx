import { useState } from 'react'
import { api } from '../api/client.ts'
import type { DeadLetter, DeadLetters as Found, Place } from '../api/types.ts'
import { shown } from '../numbers.ts'
import { Problem } from '../problem.tsx'
import { asError } from '../use-poll.ts'
import { Confirm } from './confirm.tsx'

/** The dead letters of a connector; read when somebody asks for them, for that means to read a topic. */
export function DeadLetters({ place }: { readonly place: Place }) {
  const [found, setFound] = useState<Found>()
  const [withValues, setWithValues] = useState(false)
  const [said, setSaid] = useState('')
  const [busy, setBusy] = useState(false)
  const [asking, setAsking] = useState(false)
  const [error, setError] = useState<Error>()
  const run = async (work: () => Promise<void>) => {
    setBusy(true)
    setError(undefined)
    setAsking(false)
    try {
      await work()
    } catch (reason) {
      setError(asError(reason))
    } finally {
      setBusy(false)
    }
  }
  const look = async () => setFound(await api.deadLetters(place, withValues))
  const replay = async () => {
    const { replayed, refused } = await api.replay(place, count => setSaid(`${shown(count)} replayed so far.`))
    setSaid(`${shown(replayed)} replayed${refused === 0 ? '' : `; ${shown(refused)} cannot be and stay`}.`)
    await look()
  }
  return (
    <section aria-labelledby="dead-letters">
      <div className="bar">
        <h3 id="dead-letters">Dead letters</h3>
        <label>
          <input type="checkbox" checked={withValues} onChange={event => setWithValues(event.target.checked)} />
          Values
        </label>
        <div className="actions">
          <button type="button" disabled={busy} onClick={() => run(look)}>
            Look
          </button>
          {place.kind === 'sink' && (
            <button type="button" disabled={busy} onClick={() => setAsking(true)}>
              Replay…
            </button>
          )}
        </div>
      </div>
      <Problem error={error} />
      <p role="status">{said}</p>
      {found !== undefined && <Letters found={found} />}
      {asking && (
        <Confirm
          title={`Replay the dead letters of ${place.name}?`}
          text="Each goes to the end of the topic it came from, where every reader gets it again. What the sink refuses again comes back."
          action="Replay"
          onConfirm={() => run(replay)}
          onCancel={() => setAsking(false)}
        />
      )}
    </section>
  )
}

function Letters({ found: { letters, more } }: { readonly found: Found }) {
  if (letters.length === 0) return <p>None waits.</p>
  const values = letters.some(({ preview }) => preview !== undefined)
  return (
    <>
      <table>
        <thead>
          <tr>
            {['Time', 'Topic', 'Position', 'Code', ...(values ? ['Value'] : []), 'Reason'].map(title => (
              <th scope="col" key={title}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {letters.map(letter => (
            <tr key={`${letter.deadLetterTopic} ${letter.letterPosition}`}>
              <td>{new Date(letter.time).toLocaleString()}</td>
              <td>{letter.topic}</td>
              <td>{letter.position}</td>
              <td>{letter.code}</td>
              {values && <td>{previewOf(letter)}</td>}
              <td>{letter.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more && <p>There are more.</p>}
    </>
  )
}

function previewOf({ preview }: DeadLetter): string {
  if (preview === undefined || preview.value === null) return '–'
  return `${preview.value}${preview.cut ? '…' : ''}`
}
