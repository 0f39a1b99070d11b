import { Mismatch, shown } from './mismatch.ts'

const INTEGER_BYTES = { tinyint: 1, smallint: 2, int: 4, bigint: 8 } as const

/** A whole number of 1 to 8 bytes, big-endian, two's complement. */
export function encodeInteger(value: unknown, kind: keyof typeof INTEGER_BYTES): Buffer {
  const bytes = INTEGER_BYTES[kind]
  const buffer = Buffer.allocUnsafe(bytes)
  // The common case, and the cheap one.
  if (bytes < 8 && typeof value === 'number' && Number.isInteger(value)) {
    const limit = 2 ** (bytes * 8 - 1)
    if (value < -limit || value >= limit) throw outside(value, kind, bytes)
    buffer.writeIntBE(value, 0, bytes)
    return buffer
  }
  const whole = wholeNumber(value)
  if (whole === undefined) throw new Mismatch(`${kind} takes whole numbers, got ${shown(value)}`)
  const limit = 1n << BigInt(bytes * 8 - 1)
  if (whole < -limit || whole >= limit) throw outside(whole, kind, bytes)
  if (bytes === 8) buffer.writeBigInt64BE(whole)
  else buffer.writeIntBE(Number(whole), 0, bytes)
  return buffer
}

function outside(value: number | bigint, kind: string, bytes: number): Mismatch {
  const limit = 1n << BigInt(bytes * 8 - 1)
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
export function encodeFloat(value: unknown, kind: 'float' | 'double'): Buffer {
  const number = floatOf(value)
  if (number === undefined) throw new Mismatch(`${kind} takes numbers, got ${shown(value)}`)
  if (kind === 'double') {
    const buffer = Buffer.allocUnsafe(8)
    buffer.writeDoubleBE(number)
    return buffer
  }
  if (Number.isFinite(number) && !Number.isFinite(Math.fround(number)))
    throw new Mismatch(`float takes up to 3.4e38, got ${shown(value)}`)
  const buffer = Buffer.allocUnsafe(4)
  buffer.writeFloatBE(number)
  return buffer
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
