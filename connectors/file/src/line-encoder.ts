import { isUtf8 } from 'node:buffer'
import { type Record, RecordError, stringifyJson } from '@pulsar-io/sdk'
import type { SinkConfig } from './options.ts'
import { shorten } from './problems.ts'

const NEWLINE = 10

/** The line of a record, without its newline: text, or bytes that are text already. */
export type LineEncoder = (record: Record) => string | Uint8Array

export function createLineEncoder(format: SinkConfig['format']): LineEncoder {
  return format === 'ndjson' ? ndjsonLine : textLine
}

/**
 * The value as JSON. Bytes of a topic without a schema that hold JSON are that JSON, character for character; any other
 * text is a JSON string. A text of a STRING topic is only taken for JSON where it holds an object or a list, since `12`
 * or `true` may just as well be a word.
 */
function ndjsonLine({ value }: Record): string | Uint8Array {
  if (value instanceof Uint8Array) {
    if (!isUtf8(value)) throw notText('write them with a schema, or as base64')
    const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
    if (!isJson(text)) return JSON.stringify(text)
    return value.includes(NEWLINE) || value.includes(13) ? onOneLine(text) : value
  }
  if (typeof value === 'string')
    return /^\s*[[{]/.test(value) && isJson(value) ? onOneLine(value) : JSON.stringify(value)
  return toJson(value)
}

function textLine({ value }: Record): string | Uint8Array {
  if (value === null)
    throw new RecordError('a tombstone (null value) has no text; use format ndjson, which writes null', {
      code: 'PIO_FILE_VALUE',
    })
  if (value instanceof Uint8Array) {
    if (value.includes(NEWLINE)) throw hasNewline(Buffer.from(value).toString('utf8'))
    return value
  }
  const text = typeof value === 'string' ? value : toJson(value)
  if (text.includes('\n')) throw hasNewline(text)
  return text
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // That it is none is the answer.
    return false
  }
}

/** JSON has raw newlines only between its tokens, where they mean nothing. */
function onOneLine(json: string): string {
  return json.replace(/[\r\n]+/g, '').trim()
}

function toJson(value: unknown): string {
  try {
    return stringifyJson(value)
  } catch (error) {
    throw new RecordError(`the value has no JSON form: ${(error as Error).message}`, {
      code: 'PIO_FILE_VALUE',
      cause: error,
    })
  }
}

function notText(advice: string): RecordError {
  return new RecordError(`the bytes are not UTF-8 text; ${advice}`, { code: 'PIO_FILE_VALUE' })
}

function hasNewline(text: string): RecordError {
  return new RecordError(
    `the value holds a newline, which would make two lines of it; use format ndjson: ${shorten(text)}`,
    {
      code: 'PIO_FILE_VALUE',
    },
  )
}
