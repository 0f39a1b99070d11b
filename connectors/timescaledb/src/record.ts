import { type Record, RecordError } from '@pulsar-io/sdk'
import { mayLoseDigits, parseExactJson } from './exact-json.ts'
import type { Config } from './options.ts'

/** Fields by name. */
export type Fields = { readonly [name: string]: unknown }

/** What is to be done with a row. */
export type Action = 'INSERT' | 'UPSERT' | 'UPDATE' | 'DELETE'

const ACTIONS: readonly string[] = ['INSERT', 'UPSERT', 'UPDATE', 'DELETE']

/** Pulsar's name of the property that says what to do. */
const ACTION_PROPERTY = 'ACTION'

type ActionConfig = Pick<Config, 'insertMode' | 'nullValueAction' | 'key'>

/** Whether a record has no value: null, or the empty text that stands for it where there is no schema. */
function isTombstone({ value }: Record): boolean {
  if (value === null || value === undefined) return true
  return (value instanceof Uint8Array || typeof value === 'string') && value.length === 0
}

/** What a record asks for. Throws a RecordError where it asks for nothing that can be done. */
export function actionOf(record: Record, config: ActionConfig): Action {
  const named = record.properties[ACTION_PROPERTY]
  const action = named === undefined ? config.insertMode : (named.trim().toUpperCase() as Action)
  if (!ACTIONS.includes(action))
    throw new RecordError(
      `property ${ACTION_PROPERTY} is ${JSON.stringify(named)}; it has to be one of ${ACTIONS.join(', ')}`,
      { code: 'PIO_PG_ACTION' },
    )
  const tombstone = isTombstone(record)
  if (tombstone && action !== 'DELETE' && config.nullValueAction === 'FAIL')
    throw new RecordError('the record has no value, and nullValueAction is FAIL', { code: 'PIO_PG_NULL' })
  const done = tombstone ? 'DELETE' : action
  if (done !== 'INSERT' && config.key.length === 0)
    throw new RecordError(`the record asks for ${done}, and the option key names no columns`, { code: 'PIO_PG_ACTION' })
  return done
}

/**
 * The fields of a record: those of its value, and those of its key where the value does not have them. A key that is
 * no structure is the column in `key`, where that is a single one. `exact`: numbers of a JSON text keep every digit.
 * Throws a RecordError (`PIO_PG_MALFORMED`) for a value that is no structure.
 */
export function fieldsOf(record: Record, key: readonly string[], exact = false): Fields {
  const value = isTombstone(record) ? {} : structureOf(record.value, exact)
  const { keyValue } = record
  if (keyValue === undefined && (key.length === 0 || key.every(name => value[name] !== undefined))) return value
  const own = keyFields(keyValue ?? record.key, key)
  return own === undefined ? value : { ...own, ...value }
}

function keyFields(raw: unknown, key: readonly string[]): Fields | undefined {
  const structure = isFields(raw) ? raw : typeof raw === 'string' && raw.startsWith('{') ? parsed(raw) : undefined
  if (structure) return structure
  const [only] = key
  return key.length === 1 && only !== undefined && raw !== undefined && raw !== null ? { [only]: raw } : undefined
}

function parsed(text: string): Fields | undefined {
  try {
    const value = parseExactJson(text)
    return isFields(value) ? value : undefined
  } catch {
    // A key may start with a brace and be no JSON; then it is just a text.
    return undefined
  }
}

function structureOf(value: unknown, exact: boolean): Fields {
  let found = value
  if (typeof found === 'string' || found instanceof Uint8Array) {
    const text = typeof found === 'string' ? found : textOf(found)
    try {
      found = exact && mayLoseDigits(text) ? parseExactJson(text) : JSON.parse(text)
    } catch (error) {
      throw malformed(`it is not JSON: ${(error as Error).message}`)
    }
  }
  if (found instanceof Map) found = Object.fromEntries(found)
  if (!isFields(found)) throw malformed(`it is ${kindOf(found)}`)
  return found
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  // Buffer is faster, and replaces what is not UTF-8; only then is it worth to look closer.
  if (!text.includes('\ufffd')) return text
  try {
    return strictUtf8.decode(bytes)
  } catch {
    throw malformed('it is not UTF-8')
  }
}

function isFields(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !(value instanceof Uint8Array) && !(value instanceof Date)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}

function malformed(what: string): RecordError {
  return new RecordError(`the value is no row, ${what}; a row is a structure, or a JSON object such as {"a":1}`, {
    code: 'PIO_PG_MALFORMED',
  })
}
