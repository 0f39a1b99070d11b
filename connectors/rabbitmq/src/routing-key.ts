import { type Record, RecordError } from '@pulsar-io/sdk'

/** As Pulsar's own sink names it. */
const PROPERTY = 'routingKey'

/** What the protocol can carry. */
const MAX_BYTES = 255

type Part = string | ((record: Record) => string | undefined)

/** A routing key with places to fill in. */
export interface Template {
  /** The key itself, where it is the same for all records. */
  readonly literal: string | undefined
  readonly parts: readonly { readonly name: string; readonly fill: Part }[]
}

/** Reads `%{key}`, `%{topic}`, `%{partition}` and `%{property:NAME}`. Throws an Error that says what is wrong. */
export function parseTemplate(text: string): Template {
  const parts = text
    .split(/(%\{[^}]*\})/)
    .filter(part => part !== '')
    .map(part => ({ name: part, fill: part.startsWith('%{') && part.endsWith('}') ? filler(part.slice(2, -1)) : part }))
  if (/%\{[^}]*$/.test(text)) throw new Error(`a %{ is not closed in ${JSON.stringify(text)}`)
  return { literal: parts.every(({ fill }) => typeof fill === 'string') ? text : undefined, parts }
}

function filler(name: string): Part {
  if (name === 'key') return record => record.key
  if (name === 'topic') return record => record.topic
  if (name === 'partition') return record => String(record.partition)
  if (name.startsWith('property:') && name.length > 'property:'.length) {
    const property = name.slice('property:'.length)
    return record => record.properties[property]
  }
  throw new Error(`%{${name}} is not known; use %{key}, %{topic}, %{partition} or %{property:NAME}`)
}

/**
 * The routing key of a record: its property `routingKey`, or else what the template makes of it.
 * Throws a RecordError (`PIO_RABBITMQ_ROUTING_KEY`) for a key that cannot be made or is too long.
 */
export function routingKeyOf(template: Template): (record: Record) => string {
  const { literal, parts } = template
  const made = literal === undefined ? (record: Record) => filled(parts, record) : () => literal
  return record => {
    const key = record.properties[PROPERTY] ?? made(record)
    // No character takes more than three bytes, so that most keys need not be measured.
    if (key.length * 3 > MAX_BYTES && Buffer.byteLength(key) > MAX_BYTES)
      throw refused(
        `the routing key is ${Buffer.byteLength(key)} bytes long, and the protocol has room for ${MAX_BYTES}`,
      )
    return key
  }
}

function filled(parts: Template['parts'], record: Record): string {
  let key = ''
  for (const { name, fill } of parts) {
    const value = typeof fill === 'string' ? fill : fill(record)
    if (value === undefined) throw refused(`the record has nothing for ${name} of routingKey`)
    key += value
  }
  return key
}

function refused(message: string): RecordError {
  return new RecordError(message, { code: 'PIO_RABBITMQ_ROUTING_KEY' })
}
