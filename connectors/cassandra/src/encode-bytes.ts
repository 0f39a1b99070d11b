import { isIPv4, isIPv6 } from 'node:net'
import { Mismatch, shown } from './mismatch.ts'

/** Bytes, or a text in base64 or hex. */
export function encodeBlob(value: unknown): Buffer {
  if (value instanceof Uint8Array) return bufferOf(value)
  if (typeof value === 'string') {
    if (/^0x(?:[\da-f]{2})*$/i.test(value)) return Buffer.from(value.slice(2), 'hex')
    const bytes = Buffer.from(value, 'base64')
    if (bytes.toString('base64') === value) return bytes
  }
  throw new Mismatch(`blob takes bytes, or a text in base64 or as 0x12ab, got ${shown(value)}`)
}

/** The same bytes, not a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A UUID of any version, or of version 1. */
export function encodeUuid(value: unknown, kind: 'uuid' | 'timeuuid'): Buffer {
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

/** An IPv4 or IPv6 address. */
export function encodeInet(value: unknown): Buffer {
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

/** Bytes, for a type of which nothing else is known. */
export function encodeCustom(value: unknown, type: string): Buffer {
  if (value instanceof Uint8Array) return bufferOf(value)
  throw new Mismatch(`${type} is not known here and takes bytes only, got ${shown(value)}`)
}
