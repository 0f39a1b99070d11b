import { useId, useState } from 'react'
import { api } from '../api/client.ts'
import type { Kind } from '../api/types.ts'
import { Problem } from '../problem.tsx'
import { go } from '../route.ts'
import { useOnce } from '../use-once.ts'
import { type Described, describedBy } from './archive.ts'
import { ArchiveInput, type ChosenArchive } from './archive-input.tsx'
import { ConnectorForm } from './connector-form.tsx'

interface Props {
  readonly kind: Kind
  readonly tenant: string
  readonly namespace: string
}

const NAME = /^[-=:.\w]+$/

/** What the new connector is: one that the worker has, or one whose archive is sent. */
type Chosen = { readonly from: 'worker'; readonly type: string } | ({ readonly from: 'file' } & ChosenArchive)

/** A new connector: first which, then its form. */
export function CreatePage({ kind, tenant, namespace }: Props) {
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<Chosen>()
  const [tried, setTried] = useState(false)
  const [emptied, setEmptied] = useState(0)
  const id = useId()
  const builtins = useOnce(`builtins ${kind}`, signal => api.builtins(kind, signal))
  const key = chosen === undefined ? '' : chosen.from === 'worker' ? `builtin ${chosen.type}` : `file ${chosen.choice}`
  const described = useOnce(`schema ${key}`, signal =>
    chosen === undefined
      ? undefined
      : chosen.from === 'worker'
        ? builtinSchema(kind, chosen.type, signal)
        : describedBy(chosen.file, kind),
  )
  const type = chosen?.from === 'worker' ? chosen.type : ''
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
    if (chosen?.from === 'file') await api.create(place, config, chosen.file)
    else await api.create(place, { ...config, archive: `builtin://${type}` })
    go({ page: 'connector', place })
  }
  return (
    <>
      <h2>
        New {kind} in {tenant}/{namespace}
      </h2>
      <Problem error={builtins.error ?? described.error} />
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
          <select
            value={type}
            onChange={event => {
              const { value } = event.target
              setChosen(value === '' ? undefined : { from: 'worker', type: value })
              // A file input cannot be emptied, but there can be another one.
              setEmptied(emptied + 1)
            }}
          >
            <option value="">choose…</option>
            {builtins.value?.map(each => (
              <option key={each.name}>{each.name}</option>
            ))}
          </select>
        </label>
        <ArchiveInput
          key={emptied}
          label="or an archive"
          onChange={archive => setChosen(archive && { from: 'file', ...archive })}
        />
      </div>
      <p id={id} className="problem" aria-live="polite">
        {wrongName !== undefined && `Name: ${wrongName}`}
      </p>
      <p aria-live="polite">
        {described.value?.title ?? builtins.value?.find(each => each.name === type)?.description}
      </p>
      {described.value !== undefined && (
        <ConnectorForm key={key} kind={kind} schema={described.value.schema} original={{}} isNew onSubmit={create} />
      )}
    </>
  )
}

async function builtinSchema(kind: Kind, type: string, signal: AbortSignal): Promise<Described> {
  return { schema: await api.builtinSchema(kind, type, signal) }
}
