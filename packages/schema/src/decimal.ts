import { kindOf, Mismatch } from './mismatch.ts'

/** The exact text of a decimal, with as many digits behind the point as its scale says. */
export function decimalText(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return `${negative ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(digits.length - scale)}` : ''}`
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/

/** A number or its text as a whole number of units of 10^-scale. Throws a Mismatch where that would round. */
export function parseDecimal(value: unknown, scale: number, precision: number): bigint {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') {
    throw new Mismatch(`expected a decimal, got ${kindOf(value)}`)
  }
  const [, sign, whole = '', part = '', power = '0'] = DECIMAL.exec(String(value)) ?? []
  if (sign === undefined || whole + part === '') throw new Mismatch('expected a decimal such as 12.30')
  // The digits stand for a whole number of 10^-have.
  const have = part.length - Number(power)
  let unscaled = BigInt(whole + part)
  if (have <= scale) unscaled *= 10n ** BigInt(scale - have)
  else {
    const divisor = 10n ** BigInt(have - scale)
    if (unscaled % divisor !== 0n) throw new Mismatch(`has more than ${scale} digits behind the point`)
    unscaled /= divisor
  }
  if (unscaled.toString().length > precision) throw new Mismatch(`has more than ${precision} digits`)
  return sign === '-' ? -unscaled : unscaled
}

/** Big-endian two's complement, as Avro and Java write a BigInteger. */
export function bigintFromBytes(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`))
}

/** The shortest two's complement of a number, or exactly `size` bytes. Throws a Mismatch when it does not fit. */
export function bytesFromBigint(value: bigint, size?: number): Uint8Array {
  let length = size ?? 1
  if (size === undefined) while (BigInt.asIntN(length * 8, value) !== value) length++
  else if (BigInt.asIntN(size * 8, value) !== value) throw new Mismatch(`does not fit into ${size} bytes`)
  const hex = BigInt.asUintN(length * 8, value).toString(16)
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex')
}
