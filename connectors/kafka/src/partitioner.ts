/**
 * The hash that Java's client spreads keys with, so that a key lands in the same partition whoever wrote it.
 * MurmurHash2 (32 bits, the seed of org.apache.kafka.common.utils.Utils#murmur2), after its author's description.
 */
export function murmur2(bytes: Uint8Array): number {
  const mixer = 0x5bd1e995
  const { length } = bytes
  const byte = (i: number): number => bytes[i] ?? 0
  let hash = 0x9747b28c ^ length
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let word = byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24)
    word = Math.imul(word, mixer)
    word ^= word >>> 24
    hash = Math.imul(hash, mixer) ^ Math.imul(word, mixer)
  }
  if (whole < length) {
    for (let i = length - 1; i >= whole; i--) hash ^= byte(i) << ((i - whole) * 8)
    hash = Math.imul(hash, mixer)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, mixer)
  return hash ^ (hash >>> 15)
}

/** The partition of a key, as Java's client chooses it. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}
