import type { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { wireError } from './wire-error.ts'

/** How one kind of value is written and read. */
export interface Kind<T> {
  readonly name: string
  readonly wireType: 0 | 2
  write(writer: ByteWriter, value: T): void
  read(reader: ByteReader): T
}

type Rule = 'required' | 'optional' | 'repeated'

/** A field of a message: its number, kind and rule. */
export interface Field<T, R extends Rule = Rule> {
  readonly number: number
  readonly kind: Kind<T>
  readonly rule: R
}

type Shape = { readonly [name: string]: Field<never> | Field<unknown> }

type ValueOf<F> = F extends Field<infer T, Rule> ? T : never

/** What reading a message gives. */
export type Decoded<S> = {
  readonly [K in keyof S as S[K] extends { rule: 'optional' } ? never : K]: S[K] extends { rule: 'repeated' }
    ? readonly ValueOf<S[K]>[]
    : ValueOf<S[K]>
} & {
  readonly [K in keyof S as S[K] extends { rule: 'optional' } ? K : never]?: ValueOf<S[K]> | undefined
}

/** What writing a message takes. */
export type Encodable<S> = {
  readonly [K in keyof S as S[K] extends { rule: 'required' } ? K : never]: ValueOf<S[K]>
} & {
  readonly [K in keyof S as S[K] extends { rule: 'optional' } ? K : never]?: ValueOf<S[K]> | undefined
} & {
  readonly [K in keyof S as S[K] extends { rule: 'repeated' } ? K : never]?: readonly ValueOf<S[K]>[] | undefined
}

/** A message type: its fields, and how it is written and read. */
export interface MessageType<S> extends Kind<Encodable<S>> {
  readonly fields: S
  /** The message without a length in front. */
  encode(value: Encodable<S>): Buffer
  writeBody(writer: ByteWriter, value: Encodable<S>): void
  /** Reads up to the reader's end. Throws `PIO_PULSAR_PROTOCOL` when a required field is missing. */
  decode(reader: ByteReader): Decoded<S>
}

export function required<T>(number: number, kind: Kind<T>): Field<T, 'required'> {
  return { number, kind, rule: 'required' }
}

export function optional<T>(number: number, kind: Kind<T>): Field<T, 'optional'> {
  return { number, kind, rule: 'optional' }
}

export function repeated<T>(number: number, kind: Kind<T>): Field<T, 'repeated'> {
  return { number, kind, rule: 'repeated' }
}

/** A message of these fields. The fields of this protocol are proto2: unpacked, with presence. */
export function message<S extends Shape>(name: string, fields: S): MessageType<S> {
  const entries = Object.entries(fields) as [string, Field<unknown>][]
  const byNumber = new Map(entries.map(entry => [entry[1].number, entry]))
  const missing = (field: string) => wireError(`${name} without ${field}`)

  const writeBody = (writer: ByteWriter, value: Encodable<S>): void => {
    for (const [key, { number, kind, rule }] of entries) {
      const given = (value as { readonly [key: string]: unknown })[key]
      if (given === undefined) {
        if (rule === 'required') throw new TypeError(`${name}.${key} is required`)
        continue
      }
      const tag = (number << 3) | kind.wireType
      if (rule === 'repeated') {
        for (const one of given as readonly unknown[]) {
          writer.varint(tag)
          kind.write(writer, one)
        }
      } else {
        writer.varint(tag)
        kind.write(writer, given)
      }
    }
  }

  const decode = (reader: ByteReader): Decoded<S> => {
    const result: { [key: string]: unknown } = {}
    for (const [key, { rule }] of entries) if (rule === 'repeated') result[key] = []
    while (reader.position < reader.end) {
      const tag = reader.varint()
      const entry = byNumber.get(tag >>> 3)
      if (entry === undefined || entry[1].kind.wireType !== (tag & 7)) {
        reader.skip(tag & 7)
        continue
      }
      const [key, { kind, rule }] = entry
      if (rule === 'repeated') (result[key] as unknown[]).push(kind.read(reader))
      else result[key] = kind.read(reader)
    }
    for (const [key, { rule }] of entries) if (rule === 'required' && result[key] === undefined) throw missing(key)
    return result as Decoded<S>
  }

  return {
    name,
    fields,
    wireType: 2,
    writeBody,
    decode,
    encode(value) {
      const writer = new ByteWriter()
      writeBody(writer, value)
      return writer.written()
    },
    write(writer, value) {
      const inner = new ByteWriter()
      writeBody(inner, value)
      writer.varint(inner.position)
      writer.bytes(inner.written())
    },
    read(reader) {
      const { end } = reader
      reader.end = reader.block()
      try {
        return decode(reader) as unknown as Encodable<S>
      } finally {
        reader.end = end
      }
    },
  }
}

/** A uint64 that stays below 2^53: ids and counts of our own, times. */
export const count: Kind<number> = {
  name: 'uint64',
  wireType: 0,
  write: (writer, value) => writer.varint(value),
  read: reader => reader.varint(),
}

/** A uint64 of the broker's. */
export const uint64: Kind<bigint> = {
  name: 'uint64',
  wireType: 0,
  write: (writer, value) => writer.varint64(value),
  read: reader => reader.uint64(),
}

/** An int64, or a uint64 in which -1 has a meaning (ledger and entry ids). */
export const int64: Kind<bigint> = {
  name: 'int64',
  wireType: 0,
  write: (writer, value) => writer.varint64(value),
  read: reader => reader.int64(),
}

export const int32: Kind<number> = {
  name: 'int32',
  wireType: 0,
  write: (writer, value) => {
    if (value < 0) writer.varint64(BigInt(value))
    else writer.varint(value)
  },
  read: reader => reader.int32(),
}

export const uint32: Kind<number> = { ...count, name: 'uint32' }

/** An enum whose names the caller knows. */
export const enumeration: Kind<number> = { ...int32, name: 'enum' }

export const bool: Kind<boolean> = {
  name: 'bool',
  wireType: 0,
  write: (writer, value) => writer.varint(value ? 1 : 0),
  read: reader => reader.varint() !== 0,
}

export const text: Kind<string> = {
  name: 'string',
  wireType: 2,
  write: (writer, value) => writer.text(value),
  read: reader => reader.text(),
}

/** Bytes; what is read is a copy, since it outlives the frame. */
export const bytes: Kind<Uint8Array> = {
  name: 'bytes',
  wireType: 2,
  write: (writer, value) => {
    writer.varint(value.length)
    writer.bytes(value)
  },
  read: reader => new Uint8Array(reader.bytes()),
}
