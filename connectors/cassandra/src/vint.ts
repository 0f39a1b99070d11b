/** Whole numbers of variable length, as the native protocol writes them (section 3, `[unsigned vint]` and `[vint]`). */

/** The number of ones the first byte begins with says how many bytes follow. */
export function unsignedVint(value: bigint): Buffer {
  const bits = value.toString(2).length
  const size = Math.min(9, Math.max(1, Math.ceil(bits / 7)))
  if (size === 9) {
    const long = Buffer.allocUnsafe(9)
    long[0] = 0xff
    long.writeBigUInt64BE(value, 1)
    return long
  }
  const bytes = Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex')
  bytes[0] = (bytes[0] ?? 0) | (0xff & ~(0xff >> (size - 1)))
  return bytes
}

/** A signed number: small ones stay short on both sides of zero. */
export function zigzagVint(value: bigint): Buffer {
  return unsignedVint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
}
