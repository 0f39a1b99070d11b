import { isIPv4, isIPv6 } from 'node:net'
import { stringifyJson } from '@pulsar-io/sdk'
import type { CqlType, UdtField } from './cql-type.ts'
import { encodeDecimal, encodeFloat, encodeInteger, encodeVarint } from './encode-number.ts'
import { encodeDate, encodeDuration, encodeTime, encodeTimestamp } from './encode-time.ts'
import { Mismatch, part, shown } from './mismatch.ts'
import { unsignedVint } from './vint.ts'

/**
 * A value in the bytes that the native protocol (version 4, section 6) has for a type. Throws a {@link Mismatch} for
 * what the type cannot take without loss. Nulls are left to the caller.
 */
export function encode(value: unknown, type: CqlType): Buffer {
  switch (type.kind) {
    case 'text':
    case 'ascii':
      return encodeText(value, type.kind)
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return encodeInteger(value, type.kind)
    case 'varint':
      return encodeVarint(value)
    case 'decimal':
      return encodeDecimal(value)
    case 'float':
    case 'double':
      return encodeFloat(value, type.kind)
    case 'boolean':
      return encodeBoolean(value)
    case 'blob':
      return encodeBlob(value)
    case 'uuid':
    case 'timeuuid':
      return encodeUuid(value, type.kind)
    case 'timestamp':
      return encodeTimestamp(value)
    case 'date':
      return encodeDate(value)
    case 'time':
      return encodeTime(value)
    case 'duration':
      return encodeDuration(value)
    case 'inet':
      return encodeInet(value)
    case 'list':
    case 'set':
      return encodeElements(elements(value, type.text), type.element)
    case 'map':
      return encodeMap(value, type)
    case 'tuple':
      return encodeTuple(value, type)
    case 'vector':
      return encodeVector(value, type)
    case 'udt':
      return encodeUdt(value, type.fields, type.text)
    case 'counter':
      throw new Mismatch('a counter cannot be set')
    case 'custom':
      if (value instanceof Uint8Array) return bufferOf(value)
      throw new Mismatch(`${type.text} is not known here and takes bytes only, got ${shown(value)}`)
  }
}

function encodeText(value: unknown, kind: 'text' | 'ascii'): Buffer {
  const text = textOf(value)
  if (kind === 'ascii' && Buffer.byteLength(text) !== text.length)
    throw new Mismatch(`ascii takes ASCII characters only, got ${shown(text)}`)
  return Buffer.from(text, 'utf8')
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

function encodeBoolean(value: unknown): Buffer {
  const truth = typeof value === 'string' ? { true: true, false: false }[value.toLowerCase()] : value
  if (typeof truth !== 'boolean') throw new Mismatch(`boolean takes true or false, got ${shown(value)}`)
  return Buffer.from([truth ? 1 : 0])
}

function encodeBlob(value: unknown): Buffer {
  if (value instanceof Uint8Array) return bufferOf(value)
  if (typeof value === 'string') {
    if (/^0x(?:[\da-f]{2})*$/i.test(value)) return Buffer.from(value.slice(2), 'hex')
    const bytes = Buffer.from(value, 'base64')
    if (bytes.toString('base64') === value) return bytes
  }
  throw new Mismatch(`blob takes bytes, or a text in base64 or as 0x12ab, got ${shown(value)}`)
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function encodeUuid(value: unknown, kind: 'uuid' | 'timeuuid'): Buffer {
  const bytes =
    value instanceof Uint8Array && value.byteLength === 16
      ? bufferOf(value)
      : typeof value === 'string' && /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value)
        ? Buffer.from(value.replaceAll('-', ''), 'hex')
        : undefined
  if (!bytes)
    throw new Mismatch(`${kind} takes a text such as "123e4567-e89b-12d3-a456-426614174000", got ${shown(value)}`)
  const version = (bytes[6] ?? 0) >> 4
  if (kind === 'timeuuid' && version !== 1)
    throw new Mismatch(`timeuuid takes UUIDs of version 1, got one of version ${version}`)
  return bytes
}

function encodeInet(value: unknown): Buffer {
  if (value instanceof Uint8Array && (value.byteLength === 4 || value.byteLength === 16)) return bufferOf(value)
  if (typeof value === 'string') {
    if (isIPv4(value)) return Buffer.from(value.split('.').map(Number))
    if (isIPv6(value) && !value.includes('%')) return ipv6(value)
  }
  throw new Mismatch(`inet takes an address such as "10.0.0.1" or "2001:db8::1", got ${shown(value)}`)
}

/** A valid address, which a URL writes in full but for its longest run of zeros. */
function ipv6(address: string): Buffer {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string | undefined): string[] => (text ? text.split(':') : [])
  const [first, last] = [groups(head), groups(tail)]
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0')
  return Buffer.from([...first, ...zeros, ...last].map(group => group.padStart(4, '0')).join(''), 'hex')
}

function elements(value: unknown, type: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (value instanceof Set || (ArrayBuffer.isView(value) && !(value instanceof Uint8Array)))
    return Array.from(value as unknown as Iterable<unknown>)
  throw new Mismatch(`${type} takes a list, got ${shown(value)}`)
}

function encodeElements(given: readonly unknown[], type: CqlType): Buffer {
  const parts = [int32(given.length)]
  for (let i = 0; i < given.length; i++) {
    const element = part(
      () => `[${i}]`,
      () => present(given[i], type),
    )
    parts.push(int32(element.length), element)
  }
  return Buffer.concat(parts)
}

/** A part of a collection or vector, which has no nulls. */
function present(value: unknown, type: CqlType): Buffer {
  if (value === null || value === undefined) throw new Mismatch('a collection holds no nulls')
  return encode(value, type)
}

function encodeMap(value: unknown, type: CqlType & { readonly kind: 'map' }): Buffer {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    throw new Mismatch(`${type.text} takes an object, got ${shown(value)}`)
  const pairs = value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value)
  const parts = [int32(pairs.length)]
  for (const [key, item] of pairs) {
    const name = part(
      () => ` key ${shown(key)}`,
      () => present(key, type.key),
    )
    const encoded = part(
      () => `[${shown(key)}]`,
      () => present(item, type.value),
    )
    parts.push(int32(name.length), name, int32(encoded.length), encoded)
  }
  return Buffer.concat(parts)
}

function encodeTuple(value: unknown, type: CqlType & { readonly kind: 'tuple' }): Buffer {
  const given = elements(value, type.text)
  if (given.length > type.elements.length)
    throw new Mismatch(`${type.text} takes ${type.elements.length} values, got ${given.length}`)
  return Buffer.concat(
    type.elements.map((element, i) =>
      part(
        () => `[${i}]`,
        () => optional(given[i], element),
      ),
    ),
  )
}

function encodeUdt(value: unknown, fields: readonly UdtField[], type: string): Buffer {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    throw new Mismatch(`${type} takes an object, got ${shown(value)}`)
  const given = new Map(value instanceof Map ? (value as Map<string, unknown>) : Object.entries(value))
  const encoded = fields.map(({ name, type: field }) => {
    // As with columns: the exact name, or else one that CQL would have made small.
    const own = given.has(name) ? name : [...given.keys()].find(key => key.toLowerCase() === name)
    const item = own === undefined ? undefined : given.get(own)
    if (own !== undefined) given.delete(own)
    return part(
      () => `.${name}`,
      () => optional(item, field),
    )
  })
  const unknown = [...given.keys()]
  if (unknown.length > 0) throw new Mismatch(`${type} has no field ${unknown.map(name => shown(name)).join(', ')}`)
  return Buffer.concat(encoded)
}

function encodeVector(value: unknown, type: CqlType & { readonly kind: 'vector' }): Buffer {
  const given = elements(value, type.text)
  if (given.length !== type.length) throw new Mismatch(`${type.text} takes ${type.length} values, got ${given.length}`)
  const fixed = isFixed(type.element)
  const parts = given.flatMap((element, i) => {
    const bytes = part(
      () => `[${i}]`,
      () => present(element, type.element),
    )
    return fixed ? [bytes] : [unsignedVint(BigInt(bytes.length)), bytes]
  })
  return Buffer.concat(parts)
}

/** Cassandra gives a length in a vector only to what it calls variable; smallint, tinyint, date and time are. */
function isFixed(type: CqlType): boolean {
  if (type.kind === 'vector') return isFixed(type.element)
  return ['int', 'bigint', 'float', 'double', 'boolean', 'uuid', 'timeuuid', 'timestamp'].includes(type.kind)
}

function optional(value: unknown, type: CqlType): Buffer {
  return value === null || value === undefined ? NULL : sized(encode(value, type))
}

/** A length of -1. */
const NULL = Buffer.from([0xff, 0xff, 0xff, 0xff])

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([int32(bytes.length), bytes])
}

function int32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4)
  buffer.writeInt32BE(value)
  return buffer
}
