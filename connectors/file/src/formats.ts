import { isUtf8 } from 'node:buffer'
import { parse } from 'csv-parse/sync'
import type { SourceConfig } from './options.ts'
import { csvSplitter, type Splitter, splitLines } from './splitter.ts'

/** Where the texts of some records stand in a buffer, newlines not counted. */
export interface Rows {
  readonly starts: number[]
  readonly ends: number[]
}

/** Stands for the value of a record that cannot be read. */
export class Malformed {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** Stands for an empty line between records. */
export const BLANK = Symbol('blank')

/** How the bytes of a file become values. */
export interface Format {
  readonly split: Splitter
  /** One value per row; {@link Malformed} or {@link BLANK} where there is none. */
  decode(buffer: Buffer, rows: Rows, columns: readonly string[] | undefined): unknown[]
}

type Encoding = SourceConfig['encoding']

export function createFormat(config: SourceConfig): Format {
  const { encoding } = config
  switch (config.format) {
    case 'lines':
      return { split: splitLines, decode: (buffer, rows) => texts(buffer, rows, encoding, text => text) }
    case 'ndjson':
      return { split: splitLines, decode: (buffer, rows) => texts(buffer, rows, encoding, json) }
    case 'csv':
      return {
        split: csvSplitter(config.delimiter),
        decode: (buffer, rows, columns = []) => csv(buffer, rows, columns, config),
      }
  }
}

const NOT_UTF8 = 'not valid UTF-8; set encoding if it is another one'

function texts(buffer: Buffer, rows: Rows, encoding: Encoding, read: (text: string) => unknown): unknown[] {
  const { starts, ends } = rows
  const checked = isValid(buffer, rows, encoding)
  return starts.map((start, i) => {
    const end = ends[i] ?? start
    if (!checked && !isUtf8(buffer.subarray(start, end))) return new Malformed(NOT_UTF8)
    return read(buffer.toString(encoding, start, end))
  })
}

/** One look at all rows is much cheaper than one look at each. */
function isValid(buffer: Buffer, { starts, ends }: Rows, encoding: Encoding): boolean {
  return encoding !== 'utf-8' || isUtf8(buffer.subarray(starts[0] ?? 0, ends.at(-1) ?? 0))
}

function json(text: string): unknown {
  if (text === '' || text.trim() === '') return BLANK
  try {
    return JSON.parse(text)
  } catch (error) {
    return new Malformed(`not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function csv(buffer: Buffer, rows: Rows, columns: readonly string[], config: SourceConfig): unknown[] {
  const { starts, ends } = rows
  const toObject = (fields: readonly string[]): unknown => {
    if (fields.length !== columns.length)
      return new Malformed(`${fields.length} fields where ${columns.length} are expected`)
    const row: { [name: string]: string } = {}
    for (let i = 0; i < columns.length; i++) row[columns[i] ?? ''] = fields[i] ?? ''
    return row
  }
  const valid = isValid(buffer, rows, config.encoding)
  const quoted: { readonly i: number; readonly text: string }[] = []
  const out = starts.map((start, i) => {
    const end = ends[i] ?? start
    if (start === end) return BLANK
    if (!valid && !isUtf8(buffer.subarray(start, end))) return new Malformed(NOT_UTF8)
    const text = buffer.toString(config.encoding, start, end)
    // Most rows hold no quote, and then there is nothing to parse.
    if (!text.includes('"')) return toObject(text.split(config.delimiter))
    quoted.push({ i, text })
    return undefined
  })
  if (quoted.length === 0) return out
  const together = parseRows(quoted.map(({ text }) => text).join('\n'), config)
  for (const [n, { i, text }] of quoted.entries()) {
    // As many rows as were cut: each stands for itself. Anything else is sorted out row by row.
    const whole = Array.isArray(together) && together.length === quoted.length
    const fields = whole ? (together[n] ?? []) : oneRow(text, config)
    out[i] = fields instanceof Malformed ? fields : toObject(fields)
  }
  return out
}

/** The fields of one row. */
export function csvFields(buffer: Buffer, start: number, end: number, config: SourceConfig): string[] | Malformed {
  if (config.encoding === 'utf-8' && !isUtf8(buffer.subarray(start, end))) return new Malformed(NOT_UTF8)
  return oneRow(buffer.toString(config.encoding, start, end), config)
}

function oneRow(text: string, config: SourceConfig): string[] | Malformed {
  const parsed = parseRows(text, config)
  if (parsed instanceof Malformed) return parsed
  return parsed.length === 1 ? (parsed[0] ?? []) : new Malformed('not one row of CSV')
}

function parseRows(text: string, { delimiter }: SourceConfig): string[][] | Malformed {
  try {
    return parse(text, {
      delimiter,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: true,
    })
  } catch (error) {
    return new Malformed(`not CSV: ${error instanceof Error ? error.message : String(error)}`)
  }
}
