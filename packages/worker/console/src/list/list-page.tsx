import { type FormEvent, useRef, useState } from 'react'
import { shown } from '../numbers.ts'
import { Problem } from '../problem.tsx'
import { go } from '../route.ts'
import { State } from '../state.tsx'
import { usePoll } from '../use-poll.ts'
import { hrefOf } from '../view.ts'
import { keyOf, type Row, readList } from './read.ts'

interface Props {
  readonly tenant: string
  readonly namespace: string
}

/** The connectors of a namespace. */
export function ListPage({ tenant, namespace }: Props) {
  const [filter, setFilter] = useState('')
  const before = useRef<readonly Row[]>([])
  const { value, error } = usePoll(`${tenant}/${namespace}`, async signal => {
    before.current = await readList(tenant, namespace, before.current, signal)
    return before.current
  })
  const words = filter.toLowerCase().split(/\s+/)
  const rows = value?.filter(({ place, state }) =>
    words.every(word => `${place.name} ${place.kind} ${state}`.toLowerCase().includes(word)),
  )
  return (
    <>
      <div className="bar">
        <h2>Connectors</h2>
        <NamespaceForm tenant={tenant} namespace={namespace} />
        <label>
          Filter
          <input
            type="search"
            placeholder="name, kind or state"
            value={filter}
            onChange={e => setFilter(e.target.value)}
          />
        </label>
      </div>
      <Problem error={error} />
      {rows !== undefined && <Table rows={rows} />}
      {value?.length === 0 && <p>Nothing runs in this namespace. “New sink” and “New source” make a connector.</p>}
    </>
  )
}

function NamespaceForm({ tenant, namespace }: Props) {
  const [text, setText] = useState(`${tenant}/${namespace}`)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const [newTenant = '', newNamespace = ''] = text.trim().split('/')
    if (newTenant !== '' && newNamespace !== '') go({ page: 'list', tenant: newTenant, namespace: newNamespace })
  }
  return (
    <form onSubmit={submit}>
      <label>
        Namespace
        <input value={text} pattern="[^\/]+\/[^\/]+" title="tenant/namespace" onChange={e => setText(e.target.value)} />
      </label>
    </form>
  )
}

function Table({ rows }: { readonly rows: readonly Row[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Kind</th>
          <th scope="col">State</th>
          <th scope="col" className="number">
            Running
          </th>
          <th scope="col" className="number">
            Records/s
          </th>
          <th scope="col" className="number">
            Lag
          </th>
          <th scope="col" className="number">
            Errors
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(row => (
          <tr key={keyOf(row.place)}>
            <th scope="row">
              <a href={hrefOf({ page: 'connector', place: row.place })}>{row.place.name}</a>
            </th>
            <td>{row.place.kind}</td>
            <td>
              <State name={row.state} />
            </td>
            <td className="number">{row.instances}</td>
            <td className="number">{shown(row.rate)}</td>
            <td className="number">{shown(row.totals?.lag)}</td>
            <td className="number">{shown(row.totals?.errors)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
