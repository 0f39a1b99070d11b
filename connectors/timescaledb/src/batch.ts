import { isConnectorError, type Record, RecordError } from '@pulsar-io/sdk'
import type { Layout, Layouts } from './layout.ts'
import { type Action, type Fields, fieldsOf } from './record.ts'

/** One record of a batch. */
export interface BatchRow {
  readonly record: Record
  /** Its place in the batch. */
  readonly index: number
  readonly action: Action
}

/** Rows that go in together. */
export interface Run {
  readonly layout: Layout
  readonly rows: BatchRow[]
}

/** What became of rows that cannot be written. */
export type Refusals = ReadonlyMap<BatchRow, RecordError>

/** Thrown while rows are turned into text, with all of them that have no form. */
export class Refused extends Error {
  readonly refusals: Refusals

  constructor(refusals: Refusals) {
    super('rows were refused before they were sent')
    this.refusals = refusals
  }
}

/** Characters in a piece of COPY, about. Smaller ones cost calls, larger ones keep the server waiting. */
const CHUNK = 128 * 1024

/** Divides rows into runs, and turns the rows of a run into text. */
export class Batches {
  readonly #layouts: Layouts
  readonly #key: readonly string[]
  readonly #onUnknown: (field: string) => void

  constructor(layouts: Layouts, key: readonly string[], onUnknown: (field: string) => void) {
    this.#layouts = layouts
    this.#key = key
    this.#onUnknown = onUnknown
  }

  /** Whether any of the rows passes the stage. */
  needStage(rows: readonly BatchRow[]): boolean {
    return rows.some(({ action }) => this.#layouts.isStaged(action))
  }

  /** Runs in the order in which they have to be done. Throws {@link Refused}. */
  plan(rows: readonly BatchRow[]): Run[] {
    const runs: Run[] = []
    const refusals = new Map<BatchRow, RecordError>()
    // New rows do not wait for each other, so those of one shape go together wherever they stand.
    let inserts = new Map<Layout, Run>()
    for (const row of rows) {
      try {
        const layout = this.#layoutOf(row)
        const open = row.action === 'INSERT' ? inserts.get(layout) : runs.at(-1)
        if (open?.layout === layout) open.rows.push(row)
        else {
          const run = { layout, rows: [row] }
          runs.push(run)
          if (row.action === 'INSERT') inserts.set(layout, run)
          else inserts = new Map()
        }
      } catch (error) {
        refusals.set(row, refusal(error))
      }
    }
    if (refusals.size > 0) throw new Refused(refusals)
    return runs
  }

  #layoutOf(row: BatchRow): Layout {
    if (this.#layouts.isFixed(row.action)) return this.#layouts.of(row.action)
    return this.#layouts.of(row.action, this.#fields(row))
  }

  #fields({ record }: BatchRow, exact = false): Fields {
    return fieldsOf(record, this.#key, exact)
  }

  #line(layout: Layout, row: BatchRow, fields: Fields, order: number): string {
    const line = layout.line(fields, order)
    const { value } = row.record
    // Only a text still knows what its numbers were.
    if (!layout.rounding.seen || (typeof value !== 'string' && !(value instanceof Uint8Array))) return line
    return layout.line(this.#fields(row, true), order)
  }

  /** The rows as the data of a COPY, a piece at a time. Throws {@link Refused}. */
  *text({ layout, rows }: Run): Generator<Buffer> {
    const refusals = new Map<BatchRow, RecordError>()
    let chunk = ''
    let from = 0
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]
      if (!row) break
      try {
        const fields = this.#fields(row)
        if (i === 0) this.#tellUnknown(fields)
        chunk += this.#line(layout, row, fields, i)
      } catch (error) {
        refusals.set(row, refusal(error))
      }
      if (chunk.length < CHUNK && i < rows.length - 1) continue
      if (!chunk.isWellFormed())
        for (const bad of this.#halves(layout, rows.slice(from, i + 1))) refusals.set(bad, HALVED)
      // Once a row is refused nothing will be written, and the rest is only looked at.
      if (refusals.size === 0 && chunk !== '') yield Buffer.from(chunk)
      chunk = ''
      from = i + 1
    }
    if (refusals.size > 0) throw new Refused(refusals)
  }

  /** Fields without a column are only told of, so it is enough to look at a row here and there. */
  #tellUnknown(fields: Fields): void {
    for (const name in fields) {
      if (this.#layouts.unknownField({ [name]: undefined }) !== undefined) this.#onUnknown(name)
    }
  }

  *#halves(layout: Layout, rows: readonly BatchRow[]): Generator<BatchRow> {
    for (const row of rows) {
      try {
        if (!this.#line(layout, row, this.#fields(row), 0).isWellFormed()) yield row
      } catch {
        // Refused for another reason already.
      }
    }
  }
}

/** UTF-8 cannot say half of a character; it would be replaced without a word. */
const HALVED = new RecordError('a text of the record holds half of a character (an unpaired surrogate)', {
  code: 'PIO_PG_VALUE',
})

function refusal(error: unknown): RecordError {
  if (isConnectorError(error) && error.retry === 'reject') return error
  if (error instanceof TypeError || error instanceof RangeError)
    return new RecordError(`the record has no form as a row: ${error.message}`, { code: 'PIO_PG_VALUE', cause: error })
  throw error
}
