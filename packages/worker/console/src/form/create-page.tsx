import { useId, useState } from 'react'
import { api } from '../api/client.ts'
import type { Kind } from '../api/types.ts'
import { Problem } from '../problem.tsx'
import { go } from '../route.ts'
import { useOnce } from '../use-once.ts'
import { ConnectorForm } from './connector-form.tsx'

interface Props {
  readonly kind: Kind
  readonly tenant: string
  readonly namespace: string
}

const NAME = /^[-=:.\w]+$/

/** A new connector: first which, then its form. */
export function CreatePage({ kind, tenant, namespace }: Props) {
  const [name, setName] = useState('')
  const [type, setType] = useState('')
  const [tried, setTried] = useState(false)
  const id = useId()
  const builtins = useOnce(`builtins ${kind}`, signal => api.builtins(kind, signal))
  const schema = useOnce(`schema ${type}`, signal => (type === '' ? undefined : api.builtinSchema(kind, type, signal)))
  const wrongName =
    name === ''
      ? tried
        ? 'required'
        : undefined
      : NAME.test(name)
        ? undefined
        : 'must be letters, digits and - = : . _'
  const create = async (config: { [field: string]: unknown }) => {
    setTried(true)
    if (!NAME.test(name)) throw new Error('the connector has no name; enter one at the top')
    const place = { kind, tenant, namespace, name }
    await api.create(place, { ...config, archive: `builtin://${type}` })
    go({ page: 'connector', place })
  }
  return (
    <>
      <h2>
        New {kind} in {tenant}/{namespace}
      </h2>
      <Problem error={builtins.error ?? schema.error} />
      <div className="bar">
        <label>
          Name
          <input
            value={name}
            aria-required
            aria-invalid={wrongName !== undefined}
            aria-describedby={id}
            autoComplete="off"
            onChange={event => setName(event.target.value)}
          />
        </label>
        <label>
          Connector
          <select value={type} onChange={event => setType(event.target.value)}>
            <option value="">choose…</option>
            {builtins.value?.map(each => (
              <option key={each.name}>{each.name}</option>
            ))}
          </select>
        </label>
      </div>
      <p id={id} className="problem" aria-live="polite">
        {wrongName !== undefined && `Name: ${wrongName}`}
      </p>
      <p>{builtins.value?.find(each => each.name === type)?.description}</p>
      {schema.value !== undefined && (
        <ConnectorForm key={type} kind={kind} schema={schema.value} original={{}} isNew onSubmit={create} />
      )}
    </>
  )
}
