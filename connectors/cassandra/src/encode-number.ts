import { Mismatch, shown } from './mismatch.ts'
import type { Output } from './output.ts'

const INTEGER_BYTES = { tinyint: 1, smallint: 2, int: 4, bigint: 8 } as const

/** A whole number of 1 to 8 bytes, big-endian, two's complement. */
export function writeInteger(value: unknown, kind: keyof typeof INTEGER_BYTES, out: Output): void {
  if (kind === 'bigint') {
    out.int64(integer(value, kind))
    return
  }
  // The common case is the cheap one.
  const whole = typeof value === 'number' && Number.isInteger(value) ? value : Number(integer(value, kind))
  const limit = 2 ** (INTEGER_BYTES[kind] * 8 - 1)
  if (whole < -limit || whole >= limit) throw outside(whole, kind)
  if (kind === 'int') out.int32(whole)
  else if (kind === 'smallint') out.int16(whole)
  else out.int8(whole)
}

/** A whole number that the type has room for. */
function integer(value: unknown, kind: keyof typeof INTEGER_BYTES): bigint {
  const whole = wholeNumber(value)
  if (whole === undefined) throw new Mismatch(`${kind} takes whole numbers, got ${shown(value)}`)
  if (BigInt.asIntN(INTEGER_BYTES[kind] * 8, whole) !== whole) throw outside(whole, kind)
  return whole
}

function outside(value: number | bigint, kind: keyof typeof INTEGER_BYTES): Mismatch {
  const limit = 1n << BigInt(INTEGER_BYTES[kind] * 8 - 1)
  return new Mismatch(`${kind} takes ${-limit} to ${limit - 1n}, got ${value}`)
}

/** A whole number of any size, in as few bytes as two's complement takes. */
export function encodeVarint(value: unknown): Buffer {
  const whole = wholeNumber(value)
  if (whole === undefined) throw new Mismatch(`varint takes whole numbers, got ${shown(value)}`)
  return twosComplement(whole)
}

/** A number with an exact count of digits behind the point: its scale in 4 bytes, and all its digits as a varint. */
export function encodeDecimal(value: unknown): Buffer {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
  const match = typeof text === 'string' ? /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?\s*$/.exec(text) : null
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match ?? []
  if (!match || whole + fraction === '')
    throw new Mismatch(`decimal takes a number or a text such as "12.50", got ${shown(value)}`)
  const scale = fraction.length - Number(exponent)
  if (scale < -(2 ** 31) || scale >= 2 ** 31) throw new Mismatch(`decimal takes no such scale: ${shown(value)}`)
  const unscaled = BigInt(whole + fraction)
  const head = Buffer.allocUnsafe(4)
  head.writeInt32BE(scale)
  return Buffer.concat([head, twosComplement(sign === '-' ? -unscaled : unscaled)])
}

/** An IEEE 754 number of 4 or 8 bytes. */
export function writeFloat(value: unknown, kind: 'float' | 'double', out: Output): void {
  const number = floatOf(value)
  if (number === undefined) throw new Mismatch(`${kind} takes numbers, got ${shown(value)}`)
  if (kind === 'double') {
    out.float64(number)
    return
  }
  if (Number.isFinite(number) && !Number.isFinite(Math.fround(number)))
    throw new Mismatch(`float takes up to 3.4e38, got ${shown(value)}`)
  out.float32(number)
}

function floatOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return BigInt(Number(value)) === value ? Number(value) : undefined
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const number = Number(value)
  return Number.isNaN(number) && value !== 'NaN' ? undefined : number
}

/** undefined for what is no whole number. A number beyond 2^53 has lost digits already, so it is none. */
export function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value)
    ? BigInt(value.trim().replace(/^\+/, ''))
    : undefined
}

function twosComplement(value: bigint): Buffer {
  const magnitude = value < 0n ? -value - 1n : value
  // One more bit than the digits need, for the sign.
  const bytes = Math.floor((magnitude === 0n ? 0 : magnitude.toString(2).length) / 8) + 1
  const text = BigInt.asUintN(bytes * 8, value).toString(16)
  return Buffer.from(text.padStart(bytes * 2, '0'), 'hex')
}
