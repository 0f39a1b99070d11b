import { type Record, RecordError } from '@pulsar-io/sdk'

const FIELD = /\{([^{}]*)\}/g

/** Names that a server takes; https://kafka.apache.org/documentation/#topicconfigs, class org.apache.kafka.common.internals.Topic */
export function topicProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name === '.' || name === '..') return `is ${name}`
  if (name.length > 249) return `has ${name.length} characters; 249 are allowed`
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return 'may hold only letters, digits, dot, underscore and dash'
  return undefined
}

type Part = (record: Record) => string | undefined

/** The topic of each record. */
export interface TopicTemplate {
  /** The name where it is the same for all records. */
  readonly fixed: string | undefined
  /** Throws a RecordError (`PIO_KAFKA_TOPIC_NAME`) where a record lacks a part, or the name is none. */
  of(record: Record): string
}

/** Reads a topic with `{…}` in it. Throws an Error that says what is wrong. */
export function parseTopic(text: string): TopicTemplate {
  const names = [...text.matchAll(FIELD)].map(match => match[1] ?? '')
  const parts = new Map(names.map(name => [name, part(name)]))
  const problem = topicProblem(text.replace(FIELD, 'x'))
  if (problem) throw new Error(`the name ${problem}`)
  if (names.length === 0) return { fixed: text, of: () => text }
  const of = (record: Record): string => {
    const name = text.replace(FIELD, (_, field: string) => {
      const value = parts.get(field)?.(record)
      if (value === undefined || value === '')
        throw new RecordError(`the record has no {${field}}, which its topic ${text} needs`, {
          code: 'PIO_KAFKA_TOPIC_NAME',
        })
      return value
    })
    const wrong = topicProblem(name)
    if (wrong)
      throw new RecordError(`${JSON.stringify(name)} is no name of a topic: it ${wrong}`, {
        code: 'PIO_KAFKA_TOPIC_NAME',
      })
    return name
  }
  return { fixed: undefined, of }
}

const KNOWN = '{topic}, {namespace}, {tenant}, {key}, {properties.NAME} or {value.FIELD}'

function part(field: string): Part {
  const [first = '', ...rest] = field.split('.')
  const name = rest.join('.')
  if (first === 'properties' && name !== '') return record => record.properties[name]
  if (first === 'value' && name !== '') return record => fieldOf(record.value, rest)
  if (name !== '') throw new Error(`{${field}} is not known; use ${KNOWN}`)
  if (first === 'key') return record => record.key
  const at = { topic: 4, namespace: 3, tenant: 2 }[first]
  if (at === undefined) throw new Error(`{${field}} is not known; use ${KNOWN}`)
  // persistent://tenant/namespace/topic
  return record => record.topic.split('/')[at]
}

function fieldOf(value: unknown, path: readonly string[]): string | undefined {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as { readonly [name: string]: unknown })[name]
  }
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof at) ? String(at) : undefined
}
