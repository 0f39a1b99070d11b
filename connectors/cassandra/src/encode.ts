import { stringifyJson } from '@pulsar-io/sdk'
import type { CqlType, UdtField } from './cql-type.ts'
import { encodeBlob, encodeCustom, encodeInet, encodeUuid } from './encode-bytes.ts'
import { encodeDecimal, encodeVarint, writeFloat, writeInteger } from './encode-number.ts'
import { dateOf, encodeDuration, timeOf, timestampOf } from './encode-time.ts'
import { Mismatch, shown, within } from './mismatch.ts'
import { Output } from './output.ts'
import { unsignedVint } from './vint.ts'

/** All values are made here, one after the other. */
const output = new Output()

/**
 * A value in the bytes that the native protocol (version 4, section 6) has for a type. Throws a {@link Mismatch} for
 * what the type cannot take without loss. Nulls are left to the caller. The bytes are not to be changed.
 */
export function encode(value: unknown, type: CqlType): Buffer {
  switch (type.kind) {
    // What is bytes already need not be copied, and of truth there are two.
    case 'blob':
      return encodeBlob(value)
    case 'custom':
      return encodeCustom(value, type.text)
    case 'boolean':
      return truthOf(value) ? TRUE : FALSE
  }
  output.begin()
  write(value, type, output)
  return output.take()
}

const TRUE = Buffer.from([1])
const FALSE = Buffer.from([0])

function write(value: unknown, type: CqlType, out: Output): void {
  switch (type.kind) {
    case 'text':
    case 'ascii':
      writeText(value, type.kind, out)
      break
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      writeInteger(value, type.kind, out)
      break
    case 'varint':
      out.bytes(encodeVarint(value))
      break
    case 'decimal':
      out.bytes(encodeDecimal(value))
      break
    case 'float':
    case 'double':
      writeFloat(value, type.kind, out)
      break
    case 'boolean':
      out.int8(truthOf(value) ? 1 : 0)
      break
    case 'blob':
      out.bytes(encodeBlob(value))
      break
    case 'uuid':
    case 'timeuuid':
      out.bytes(encodeUuid(value, type.kind))
      break
    case 'timestamp':
      out.int64(timestampOf(value))
      break
    case 'date':
      out.int32(dateOf(value))
      break
    case 'time':
      out.int64(timeOf(value))
      break
    case 'duration':
      out.bytes(encodeDuration(value))
      break
    case 'inet':
      out.bytes(encodeInet(value))
      break
    case 'list':
    case 'set':
      writeElements(elements(value, type.text), type.element, out)
      break
    case 'map':
      writeMap(value, type, out)
      break
    case 'tuple':
      writeTuple(value, type, out)
      break
    case 'vector':
      writeVector(value, type, out)
      break
    case 'udt':
      writeUdt(value, type.fields, type.text, out)
      break
    case 'counter':
      throw new Mismatch('a counter cannot be set')
    case 'custom':
      out.bytes(encodeCustom(value, type.text))
      break
  }
}

function writeText(value: unknown, kind: 'text' | 'ascii', out: Output): void {
  const text = textOf(value)
  const before = out.length
  out.text(text)
  if (kind === 'ascii' && out.length - before !== text.length)
    throw new Mismatch(`ascii takes ASCII characters only, got ${shown(text)}`)
}

/** What is no text becomes the JSON text of it, a number its digits. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  if (!(value instanceof Uint8Array)) return stringifyJson(value instanceof Map ? Object.fromEntries(value) : value)
  try {
    return new TextDecoder('utf8', { fatal: true, ignoreBOM: true }).decode(value)
  } catch (error) {
    throw new Mismatch(`text takes UTF-8, and these ${value.byteLength} bytes are none: ${(error as Error).message}`)
  }
}

function truthOf(value: unknown): boolean {
  const truth = typeof value === 'string' ? { true: true, false: false }[value.toLowerCase()] : value
  if (typeof truth !== 'boolean') throw new Mismatch(`boolean takes true or false, got ${shown(value)}`)
  return truth
}

function elements(value: unknown, type: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (value instanceof Set || (ArrayBuffer.isView(value) && !(value instanceof Uint8Array)))
    return Array.from(value as unknown as Iterable<unknown>)
  throw new Mismatch(`${type} takes a list, got ${shown(value)}`)
}

function writeElements(given: readonly unknown[], type: CqlType, out: Output): void {
  out.int32(given.length)
  for (let i = 0; i < given.length; i++) {
    try {
      writeSized(present(given[i]), type, out)
    } catch (error) {
      throw within(`[${i}]`, error)
    }
  }
}

/** A part of a collection or vector, which has no nulls. */
function present(value: unknown): unknown {
  if (value === null || value === undefined) throw new Mismatch('a collection holds no nulls')
  return value
}

function writeMap(value: unknown, type: CqlType & { readonly kind: 'map' }, out: Output): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    throw new Mismatch(`${type.text} takes an object, got ${shown(value)}`)
  const pairs = value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value)
  out.int32(pairs.length)
  for (const [key, item] of pairs) {
    try {
      writeSized(present(key), type.key, out)
    } catch (error) {
      throw within(` key ${shown(key)}`, error)
    }
    try {
      writeSized(present(item), type.value, out)
    } catch (error) {
      throw within(`[${shown(key)}]`, error)
    }
  }
}

function writeTuple(value: unknown, type: CqlType & { readonly kind: 'tuple' }, out: Output): void {
  const given = elements(value, type.text)
  if (given.length > type.elements.length)
    throw new Mismatch(`${type.text} takes ${type.elements.length} values, got ${given.length}`)
  for (const [i, element] of type.elements.entries()) {
    try {
      writeOptional(given[i], element, out)
    } catch (error) {
      throw within(`[${i}]`, error)
    }
  }
}

function writeUdt(value: unknown, fields: readonly UdtField[], type: string, out: Output): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    throw new Mismatch(`${type} takes an object, got ${shown(value)}`)
  const given = new Map(value instanceof Map ? (value as Map<string, unknown>) : Object.entries(value))
  for (const { name, type: field } of fields) {
    // As with columns: the exact name, or else one that CQL would have made small.
    const own = given.has(name) ? name : [...given.keys()].find(key => key.toLowerCase() === name)
    const item = own === undefined ? undefined : given.get(own)
    if (own !== undefined) given.delete(own)
    try {
      writeOptional(item, field, out)
    } catch (error) {
      throw within(`.${name}`, error)
    }
  }
  const unknown = [...given.keys()]
  if (unknown.length > 0) throw new Mismatch(`${type} has no field ${unknown.map(name => shown(name)).join(', ')}`)
}

function writeVector(value: unknown, type: CqlType & { readonly kind: 'vector' }, out: Output): void {
  const given = elements(value, type.text)
  if (given.length !== type.length) throw new Mismatch(`${type.text} takes ${type.length} values, got ${given.length}`)
  const fixed = isFixed(type.element)
  for (let i = 0; i < given.length; i++) {
    const at = out.length
    try {
      write(present(given[i]), type.element, out)
    } catch (error) {
      throw within(`[${i}]`, error)
    }
    if (!fixed) out.insert(at, unsignedVint(BigInt(out.length - at)))
  }
}

/** Cassandra gives a length in a vector only to what it calls variable; smallint, tinyint, date and time are. */
function isFixed(type: CqlType): boolean {
  if (type.kind === 'vector') return isFixed(type.element)
  return ['int', 'bigint', 'float', 'double', 'boolean', 'uuid', 'timeuuid', 'timestamp'].includes(type.kind)
}

/** Null is a length of -1. */
function writeOptional(value: unknown, type: CqlType, out: Output): void {
  if (value === null || value === undefined) out.int32(-1)
  else writeSized(value, type, out)
}

/** The value behind its length. */
function writeSized(value: unknown, type: CqlType, out: Output): void {
  const at = out.length
  out.int32(0)
  write(value, type, out)
  out.setInt32(at, out.length - at - 4)
}
