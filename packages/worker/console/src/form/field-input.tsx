import { useId } from 'react'
import type { Field } from './fields.ts'

interface Props {
  readonly field: Field
  readonly text: string
  /** What is wrong; undefined for nothing, or as long as nobody wants to know. */
  readonly problem: string | undefined
  readonly disabled?: boolean
  readonly onChange: (text: string) => void
}

/** One labelled input with its help, and what is wrong with it. */
export function FieldInput({ field, text, problem, disabled = false, onChange }: Props) {
  const id = useId()
  const { schema, keys, required } = field
  const label = keys[0] === 'configs' ? keys.slice(1).join('.') : keys.join('.')
  return (
    <div className="field" data-path={field.path}>
      <label htmlFor={id}>
        {label}
        {required && ' *'}
      </label>
      <Input
        field={field}
        text={text}
        onChange={onChange}
        shared={{
          id,
          disabled,
          'aria-required': required,
          'aria-invalid': problem !== undefined,
          'aria-describedby': `${id}-help ${id}-wrong`,
        }}
      />
      <small id={`${id}-help`}>{helpOf(field, schema.description ?? '')}</small>
      <p id={`${id}-wrong`} className="wrong" aria-live="polite">
        {problem}
      </p>
    </div>
  )
}

interface InputProps {
  readonly field: Field
  readonly text: string
  readonly onChange: (text: string) => void
  readonly shared: {
    readonly id: string
    readonly disabled: boolean
    readonly 'aria-required': boolean
    readonly 'aria-invalid': boolean
    readonly 'aria-describedby': string
  }
}

function Input({ field: { control, schema }, text, onChange, shared }: InputProps) {
  const change = (event: { readonly target: { readonly value: string } }) => onChange(event.target.value)
  const common = { ...shared, value: text, onChange: change }
  if (control === 'choice' || control === 'flag') {
    const values = control === 'flag' ? ['true', 'false'] : (schema.enum ?? []).map(String)
    return (
      <select {...common}>
        <option value="">{schema.default === undefined ? '' : `default (${String(schema.default)})`}</option>
        {values.map(value => (
          <option key={value}>{value}</option>
        ))}
      </select>
    )
  }
  if (control === 'list' || control === 'json') return <textarea {...common} spellCheck={false} rows={3} />
  if (control === 'secret') return <input {...common} type="password" autoComplete="new-password" />
  const placeholder = schema.default === undefined || schema.default === '' ? '' : `default: ${String(schema.default)}`
  return <input {...common} placeholder={placeholder} autoComplete="off" spellCheck={false} />
}

function helpOf({ control }: Field, description: string): string {
  const how = {
    json: 'As JSON.',
    list: 'One in a line.',
    secret: 'A secret; better ${env:NAME}. *** keeps the one that is stored.',
  }
  const more = control in how ? how[control as keyof typeof how] : ''
  if (description === '' || more === '' || description.includes('one in a line')) return description || more
  return `${description.replace(/\.$/, '')}. ${more}`
}
