import { parseJson, type Record, RecordError, stringifyJson } from '@pulsar-io/sdk'
import type { Fields } from './ids.ts'
import type { Config } from './options.ts'

type DocumentConfig = Pick<
  Config,
  'schemaEnable' | 'stripNulls' | 'stripNonPrintableCharacters' | 'copyKeyFields' | 'canonicalKeyFields'
>

/** What a record says: the document as JSON text in one line, and what an `_id` can be made of. */
export interface Extracted {
  /** null: the record has no value. */
  readonly text: string | null
  /** The document's fields, for `primaryFields`. Throws a RecordError (`PIO_ES_MALFORMED`) when it is no JSON. */
  readonly fields: () => Fields | undefined
  /** The message key, where it is a text. */
  readonly key: string | undefined
  /** The message key, where it has fields. */
  readonly keyFields: Fields | undefined
}

/**
 * Reads a record. Throws a RecordError (`PIO_ES_MALFORMED`) for a value that is no JSON object, because a server takes
 * nothing else. A text between braces that is no JSON is left for the server to refuse.
 */
export function extract(record: Record, config: DocumentConfig): Extracted {
  const { key, keyFields, value } = split(record, config)
  const text = asText(value)
  if (value === null || value === undefined || text === '')
    return { text: null, fields: () => undefined, key, keyFields }
  const stripNulls = config.schemaEnable && config.stripNulls
  const merge = config.copyKeyFields && keyFields
  let fields: Fields | undefined
  let document: string
  if (text !== undefined && !merge && !(stripNulls && text.includes('null'))) {
    // The server reads every document anyway, and refuses a malformed one by itself, so it is not read twice.
    if (!isBraced(text.trim())) throw malformed(whyNoObject(text))
    document = text
  } else {
    fields = text === undefined ? objectOf(value, stripNulls) : parseObject(text)
    if (stripNulls && text !== undefined) fields = withoutNulls(fields) as Fields
    if (merge) fields = { ...keyFields, ...fields }
    document = stringifyJson(fields)
  }
  return {
    text: oneLine(document, config.stripNonPrintableCharacters),
    fields: () => fields ?? parseObject(document),
    key,
    keyFields,
  }
}

/** The document with `@timestamp`, where it has none. Throws a RecordError (`PIO_ES_MALFORMED`) when it is no JSON. */
export function withTimestamp({ fields }: Extracted, document: string, time: number): string {
  // Most documents have none at all, and need not be read for it.
  if (document.includes('"@timestamp"') && fields()?.['@timestamp'] !== undefined) return document
  const rest = document.slice(document.indexOf('{') + 1)
  return `{"@timestamp":"${new Date(time).toISOString()}"${/^\s*\}/.test(rest) ? '' : ','}${rest}`
}

const isBraced = (text: string): boolean => text.startsWith('{') && text.endsWith('}')

function objectOf(value: unknown, stripNulls: boolean): Fields {
  if (!isObject(value)) throw malformed(`it is ${kindOf(value)}`)
  return plain(value, stripNulls) as Fields
}

function whyNoObject(text: string): string {
  try {
    return `it is ${kindOf(parseJson(text))}`
  } catch (error) {
    return `it is not JSON: ${(error as Error).message}`
  }
}

/** A key-value record carries a key with fields; another record's key may be the JSON text of an object. */
function split(record: Record, config: DocumentConfig): Pick<Extracted, 'key' | 'keyFields'> & { value: unknown } {
  const { value, keyValue, key = '' } = record
  if (isObject(keyValue)) return { key: undefined, keyFields: plain(keyValue, false) as Fields, value }
  const structured = (config.copyKeyFields || config.canonicalKeyFields) && key.startsWith('{')
  return { key, keyFields: structured ? objectOrUndefined(key) : undefined, value }
}

/** The text that a value is, or undefined for a structured value. */
function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
  return undefined
}

function parseObject(text: string): Fields {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    throw malformed(`it is not JSON: ${(error as Error).message}`, error)
  }
  if (!isObject(value)) throw malformed(`it is ${kindOf(value)}`)
  return value
}

function objectOrUndefined(text: string): Fields | undefined {
  try {
    const value: unknown = parseJson(text)
    return isObject(value) ? value : undefined
  } catch {
    // A key may start with a brace and be no JSON; then it is just a text.
    return undefined
  }
}

const INVISIBLE = /\p{C}/gu
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/

/** In a bulk request each document is one line. JSON has line breaks only where white space may stand. */
function oneLine(text: string, strip: boolean): string {
  if (PRINTABLE_ASCII.test(text)) return text
  return strip ? text.replace(INVISIBLE, '') : text.replace(/[\r\n]+/g, ' ')
}

/** Drops null fields and null list items, however deep. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter(item => item !== null).map(withoutNulls)
  if (!isObject(value)) return value
  const kept: { [name: string]: unknown } = {}
  for (const name of Object.keys(value)) if (value[name] !== null) kept[name] = withoutNulls(value[name])
  return kept
}

/** Turns decoded values into what JSON can say: bytes into base64, as a `binary` field takes them. */
function plain(value: unknown, stripNulls: boolean): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value))
    return (stripNulls ? value.filter(item => item !== null && item !== undefined) : value).map(item =>
      plain(item, stripNulls),
    )
  const source = value instanceof Map ? (Object.fromEntries(value) as Fields) : (value as Fields)
  const copy: { [name: string]: unknown } = {}
  for (const name of Object.keys(source)) {
    const part = source[name]
    if (part === undefined || (stripNulls && part === null)) continue
    copy[name] = typeof part === 'object' ? plain(part, stripNulls) : part
  }
  return copy
}

function isObject(value: unknown): value is Fields {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date)
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}

function malformed(what: string, cause?: unknown): RecordError {
  return new RecordError(`the value is no document, ${what}; a document is a JSON object such as {"a":1}`, {
    code: 'PIO_ES_MALFORMED',
    cause,
  })
}
