import { type FormEvent, useEffect, useRef, useState } from 'react'
import { ApiError } from '../api/client.ts'
import type { Config, Kind, Schema } from '../api/types.ts'
import { Problem } from '../problem.tsx'
import { asError } from '../use-poll.ts'
import { type Refusal, refusalOf } from './answers.ts'
import { problemOf } from './check.ts'
import { COMMON, FIXED } from './common.ts'
import { FieldInput } from './field-input.tsx'
import { configOf, type Draft, draftOf, type Field, fieldsOf } from './fields.ts'

interface Props {
  readonly kind: Kind
  /** Of the connector's options. */
  readonly schema: Schema
  /** What there is; empty for a new one. */
  readonly original: Config
  readonly isNew: boolean
  readonly onSubmit: (config: { [field: string]: unknown }) => Promise<void>
}

const NOTHING: Refusal = { fields: {}, rest: '' }

/** The configuration of a connector as a form, made from its schema. Each input is checked while it is written. */
export function ConnectorForm({ kind, schema, original, isNew, onSubmit }: Props) {
  const common = fieldsOf(COMMON[kind])
  const own = fieldsOf(schema, ['configs'])
  const all = [...common, ...own]
  const [draft, setDraft] = useState<Draft>(() => draftOf(all, original))
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set())
  const [tried, setTried] = useState(false)
  const [refusal, setRefusal] = useState(NOTHING)
  const [error, setError] = useState<Error>()
  const [busy, setBusy] = useState(false)
  const [refusals, setRefusals] = useState(0)
  const form = useRef<HTMLFormElement>(null)
  // Behind the drawing of a refusal, when it is known which inputs are wrong.
  useEffect(() => {
    if (refusals > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [refusals])

  const wrong = (field: Field) => problemOf(field, draft[field.path] ?? '')
  const shownProblem = (field: Field) =>
    (tried || touched.has(field.path) ? wrong(field) : undefined) ?? refusal.fields[field.path]
  const change = (path: string, text: string) => {
    setDraft({ ...draft, [path]: text })
    setTouched(new Set(touched).add(path))
    // What the worker said is about what was there before.
    const { [path]: _, ...others } = refusal.fields
    setRefusal({ ...refusal, fields: others })
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    setError(undefined)
    if (all.some(field => wrong(field) !== undefined)) return setRefusals(refusals + 1)
    setBusy(true)
    try {
      await onSubmit(configOf(all, draft, original))
    } catch (reason) {
      setBusy(false)
      if (!(reason instanceof ApiError) || reason.status !== 400) return setError(asError(reason))
      setRefusal(refusalOf(reason.message, all))
      setRefusals(refusals + 1)
    }
    return undefined
  }
  const inputs = (fields: readonly Field[]) =>
    fields.map(field => (
      <FieldInput
        key={field.path}
        field={field}
        text={draft[field.path] ?? ''}
        problem={shownProblem(field)}
        disabled={!isNew && FIXED.has(field.path)}
        onChange={text => change(field.path, text)}
      />
    ))
  return (
    <form ref={form} className="connector" onSubmit={submit} noValidate>
      <fieldset>
        <legend>{kind === 'sink' ? 'Sink' : 'Source'}</legend>
        {inputs(common)}
      </fieldset>
      <fieldset>
        <legend>Options of the connector</legend>
        {inputs(own)}
      </fieldset>
      {refusal.rest !== '' && (
        <p role="alert" className="problem">
          {refusal.rest}
        </p>
      )}
      <Problem error={error} />
      <div className="actions">
        <button type="submit" disabled={busy}>
          {isNew ? 'Create' : 'Save'}
        </button>
      </div>
    </form>
  )
}
