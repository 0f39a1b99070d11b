import { RecordError } from '@pulsar-io/sdk'
import { quote, quoteAll } from './identifier.ts'
import type { Config } from './options.ts'
import type { Action, Fields } from './record.ts'
import type { Column, Table } from './table.ts'
import { type Encoder, encoderFor, NULL, type Rounding } from './values.ts'

/** The table that rows pass through on their way to anything but a plain INSERT. One per connection. */
export const STAGE = 'pulsar_io_stage'
/** Counts the rows of a batch in it, so that the last of a key wins. */
const ORDER = 'pulsar_io_row'

/** How rows of one shape get into the table: what is written of each, and with which statements. */
export interface Layout {
  readonly action: Action
  /** Takes the rows: into the table itself, or onto the stage. */
  readonly copy: string
  /** Moves them from the stage; undefined where they are in the table already. */
  readonly move: string | undefined
  /** A row as a line of COPY; `order` counts the rows. Throws a RecordError. */
  line(fields: Fields, order: number): string
  /** As of the last line, and reset before each. */
  readonly rounding: Rounding
}

type LayoutConfig = Pick<Config, 'key' | 'nonKey' | 'excludeNonDeclaredFields' | 'unknownFields' | 'timestampUnit'>

/** Chooses the layout of each row, and keeps those that were chosen before. */
export class Layouts {
  readonly #table: Table
  readonly #config: LayoutConfig
  readonly #columns: readonly (Column & { readonly encode: Encoder })[]
  readonly #known: ReadonlySet<string>
  /** Columns that a row need not have a value for: then the statement leaves them out. */
  readonly #optional: { readonly [action in Action]: readonly string[] }
  readonly #made = new Map<string, Layout>()
  readonly #rounding: Rounding = { seen: false }

  constructor(table: Table, config: LayoutConfig) {
    this.#table = table
    this.#config = config
    const { key, nonKey, excludeNonDeclaredFields, timestampUnit } = config
    const declared = new Set([...key, ...nonKey])
    this.#columns = table.columns
      .filter(column => !column.generated && (!excludeNonDeclaredFields || declared.has(column.name)))
      .map(column => ({ ...column, encode: encoderFor(column.name, column.type, timestampUnit, this.#rounding) }))
    this.#known = new Set(table.columns.map(({ name }) => name))
    const named = (wanted: (column: Column) => boolean) => this.#columns.filter(wanted).map(({ name }) => name)
    // Without a value, a column with a default has to be left out; any other one is null either way. What an update
    // leaves alone it must not name, unless it was declared to be set.
    const updated = named(({ name, filled }) =>
      nonKey.length === 0 ? !key.includes(name) : filled && !declared.has(name),
    )
    this.#optional = { INSERT: named(({ filled }) => filled), UPSERT: updated, UPDATE: updated, DELETE: [] }
  }

  /** Whether all rows of an action have the same layout, so that nobody needs to look at them to know it. */
  isFixed(action: Action): boolean {
    return this.#optional[action].length === 0
  }

  /** Whether rows of an action pass the stage. COPY knows only new rows, and no row level security. */
  isStaged(action: Action): boolean {
    return action !== 'INSERT' || this.#table.rowSecurity
  }

  /** The layout of a row with these fields; without fields, where it {@link isFixed}. */
  of(action: Action, fields?: Fields): Layout {
    const missing = fields === undefined ? [] : this.#optional[action].filter(name => fields[name] === undefined)
    const id = missing.length === 0 ? action : `${action} ${JSON.stringify(missing)}`
    let layout = this.#made.get(id)
    if (!layout) {
      layout = this.#make(action, new Set(missing))
      // A topic with ever new combinations of fields must not fill the memory.
      if (this.#made.size >= 1000) this.#made.clear()
      this.#made.set(id, layout)
    }
    return layout
  }

  /** The first field that is no column; undefined where all of them are. */
  unknownField(fields: Fields): string | undefined {
    for (const name in fields) if (!this.#known.has(name)) return name
    return undefined
  }

  /** Makes the stage: every column, and nothing that could refuse a row. */
  get stage(): string {
    const columns = this.#columns.map(({ name, declared }) => `${quote(name)} ${declared}`)
    return `CREATE TEMPORARY TABLE IF NOT EXISTS ${STAGE} (${[`${ORDER} bigint`, ...columns].join(', ')}) ON COMMIT DELETE ROWS`
  }

  #make(action: Action, missing: ReadonlySet<string>): Layout {
    const { key } = this.#config
    const columns = this.#columns.filter(({ name }) =>
      action === 'DELETE' ? key.includes(name) : !missing.has(name) && (action !== 'UPDATE' || this.#isUpdated(name)),
    )
    const names = columns.map(({ name }) => name)
    const staged = this.isStaged(action)
    const target = staged ? STAGE : this.#table.sql
    const encoders = columns.map(({ encode }) => encode)
    const needed = action === 'INSERT' ? [] : key
    const nothing = names.map(() => NULL).join('\t')
    return {
      action,
      copy: `COPY ${target} (${quoteAll(staged ? [ORDER, ...names] : names)}) FROM STDIN`,
      move: staged ? this.#move(action, columns) : undefined,
      rounding: this.#rounding,
      line: (fields, order) => {
        this.#check(action, fields, needed)
        this.#rounding.seen = false
        let text = ''
        for (let i = 0; i < names.length; i++) {
          if (i > 0) text += '\t'
          text += encoders[i]?.(fields[names[i] ?? ''])
        }
        // Most likely every field is misspelt, and a row of nulls helps nobody.
        if (text === nothing && !names.some(name => fields[name] === null))
          throw new RecordError(`the record has no value for any column of ${this.#table.name}`, {
            code: 'PIO_PG_FIELD',
          })
        return staged ? `${order}\t${text}\n` : `${text}\n`
      },
    }
  }

  #isUpdated(name: string): boolean {
    const { key, nonKey } = this.#config
    return nonKey.length === 0 || nonKey.includes(name) || key.includes(name)
  }

  #check(action: Action, fields: Fields, needed: readonly string[]): void {
    for (const name of needed)
      if (fields[name] === undefined || fields[name] === null)
        throw new RecordError(`${action} needs a value of ${name}, which is in key, and the record has none`, {
          code: 'PIO_PG_KEY',
        })
    if (this.#config.unknownFields !== 'FAIL') return
    const unknown = this.unknownField(fields)
    if (unknown !== undefined)
      throw new RecordError(
        `the record has a field ${JSON.stringify(unknown)}, and table ${this.#table.name} has no such column; unknownFields is FAIL`,
        { code: 'PIO_PG_FIELD' },
      )
  }

  #move(action: Action, columns: readonly Column[]): string {
    const { sql } = this.#table
    const { key } = this.#config
    const names = columns.map(({ name }) => name)
    const list = quoteAll(names)
    const keys = quoteAll(key)
    const match = key.map(name => `t.${quote(name)} = s.${quote(name)}`).join(' AND ')
    // The last row of a key counts, by the server's own idea of what is the same key.
    const last = `(SELECT DISTINCT ON (${keys}) * FROM ${STAGE} ORDER BY ${keys}, ${ORDER} DESC)`
    const set = names.filter(name => !key.includes(name) && this.#isUpdated(name))
    const overriding = columns.some(({ identityAlways }) => identityAlways) ? ' OVERRIDING SYSTEM VALUE' : ''
    switch (action) {
      case 'INSERT':
        return `INSERT INTO ${sql} (${list})${overriding} SELECT ${list} FROM ${STAGE} ORDER BY ${ORDER}`
      case 'UPSERT': {
        const update = set.map(name => `${quote(name)} = EXCLUDED.${quote(name)}`).join(', ')
        return `INSERT INTO ${sql} (${list})${overriding} SELECT ${list} FROM ${last} s ORDER BY ${ORDER}
          ON CONFLICT (${keys}) DO ${update === '' ? 'NOTHING' : `UPDATE SET ${update}`}`
      }
      case 'UPDATE':
        // A row of nothing but its key changes nothing.
        if (set.length === 0) return 'SELECT'
        return `UPDATE ${sql} t SET ${set.map(name => `${quote(name)} = s.${quote(name)}`).join(', ')} FROM ${last} s WHERE ${match}`
      case 'DELETE':
        return `DELETE FROM ${sql} t USING ${STAGE} s WHERE ${match}`
    }
  }
}
