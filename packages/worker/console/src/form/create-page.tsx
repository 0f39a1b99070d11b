import { useId, useRef, useState } from 'react'
import { api } from '../api/client.ts'
import type { Kind, Schema } from '../api/types.ts'
import { Problem } from '../problem.tsx'
import { go } from '../route.ts'
import { useOnce } from '../use-once.ts'
import { readArchive } from './archive.ts'
import { ConnectorForm } from './connector-form.tsx'

interface Props {
  readonly kind: Kind
  readonly tenant: string
  readonly namespace: string
}

const NAME = /^[-=:.\w]+$/

/** What the new connector is: one that the worker has, or one whose archive is sent. */
type Chosen =
  | { readonly from: 'worker'; readonly type: string }
  | { readonly from: 'file'; readonly file: File; readonly choice: number }

/** A new connector: first which, then its form. */
export function CreatePage({ kind, tenant, namespace }: Props) {
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<Chosen>()
  const [tried, setTried] = useState(false)
  const [emptied, setEmptied] = useState(0)
  const choices = useRef(0)
  const id = useId()
  const builtins = useOnce(`builtins ${kind}`, signal => api.builtins(kind, signal))
  const key = chosen === undefined ? '' : chosen.from === 'worker' ? `builtin ${chosen.type}` : `file ${chosen.choice}`
  const described = useOnce(`schema ${key}`, signal =>
    chosen === undefined
      ? undefined
      : chosen.from === 'worker'
        ? builtinSchema(kind, chosen.type, signal)
        : archiveSchema(kind, chosen.file),
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
        <label>
          or an archive
          <input
            key={emptied}
            type="file"
            accept=".tgz"
            onChange={event => {
              const [file] = event.target.files ?? []
              choices.current += 1
              setChosen(file && { from: 'file', file, choice: choices.current })
            }}
          />
        </label>
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

interface Described {
  /** Undefined: the list of built-in connectors tells. */
  readonly title?: string
  readonly schema: Schema
}

async function builtinSchema(kind: Kind, type: string, signal: AbortSignal): Promise<Described> {
  return { schema: await api.builtinSchema(kind, type, signal) }
}

async function archiveSchema(kind: Kind, file: File): Promise<Described> {
  const { name, version, description, schemas } = await readArchive(file)
  const schema = schemas[kind]
  if (schema === undefined) {
    const other = kind === 'sink' ? 'source' : 'sink'
    throw new Error(`${file.name}: ${name} is a ${other}, not a ${kind}; “New ${other}” takes it`)
  }
  return { title: `${name} ${version}: ${description}`, schema }
}
