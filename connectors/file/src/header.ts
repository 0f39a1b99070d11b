import type { FileHandle } from 'node:fs/promises'
import { csvFields, Malformed } from './formats.ts'
import { type Fingerprint, fingerprintOf, TAIL_BYTES } from './identity.ts'
import type { SourceConfig } from './options.ts'
import { readFully } from './read-fully.ts'
import { bomLength, contentEnd, countNewlines, csvSplitter } from './splitter.ts'

/** What the start of a CSV file says of its columns. */
export interface Header {
  readonly columns: readonly string[]
  /** Where the rows begin. */
  readonly end: number
  readonly lines: number
  readonly tail: Fingerprint
}

/** Reads the columns of a CSV file from its start; undefined while the header is not complete. */
export async function readHeader(
  handle: FileHandle,
  config: SourceConfig,
  final: boolean,
): Promise<Header | Malformed | undefined> {
  if (!config.header) return { columns: config.columns ?? [], end: 0, lines: 0, tail: { length: 0, crc: 0 } }
  const split = csvSplitter(config.delimiter)
  for (let size = 64 * 1024; ; size *= 2) {
    const whole = Buffer.allocUnsafe(size)
    const buffer = whole.subarray(0, await readFully(handle, whole, 0))
    const atEnd = buffer.length < size
    let begin = 0
    for (;;) {
      const complete = split(buffer, begin, buffer.length)
      const next = complete < 0 && atEnd && final ? buffer.length : complete
      if (next < 0 || next === begin) break
      const start = begin + (begin === 0 ? bomLength(buffer, 0, config.encoding) : 0)
      const end = contentEnd(buffer, start, next)
      if (end > start) return header(buffer, start, end, next, config)
      begin = next
    }
    if (atEnd) return undefined
    if (size > config.maxRecordSize) return new Malformed('the header is longer than maxRecordSize')
  }
}

function header(buffer: Buffer, start: number, end: number, next: number, config: SourceConfig): Header | Malformed {
  const columns = config.columns ?? csvFields(buffer, start, end, config)
  if (columns instanceof Malformed) return columns
  const twice = columns.find((name, i) => columns.indexOf(name) !== i)
  if (twice !== undefined) return new Malformed(`the header names column ${JSON.stringify(twice)} twice; set columns`)
  if (columns.includes('__proto__')) return new Malformed('the header names a column __proto__; set columns')
  return {
    columns,
    end: next,
    lines: countNewlines(buffer, 0, next),
    tail: fingerprintOf(buffer, Math.max(0, next - TAIL_BYTES), next),
  }
}
