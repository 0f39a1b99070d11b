import type { Entry } from './entry.ts'

/** Keys are spread over so many slots, and slots over consumers. */
const SLOTS = 4096

/** Slot of a message's key; messages without one are spread one by one. */
export function keySlot(entry: Entry, index: number): number {
  const key = entry.orderingKey(index) ?? entry.key(index)
  return hash(key ?? `${entry.base + index}`, 0) % SLOTS
}

/**
 * Whom a slot belongs to, by rendezvous hashing: when a consumer comes or goes, only its own slots move.
 * Every process finds the same owner for the same members.
 */
export function ownerOf(members: readonly string[]): (slot: number) => string | undefined {
  const seeds = members.map(member => hash(member, 0))
  const owners = new Map<number, string | undefined>()
  return slot => {
    if (owners.has(slot)) return owners.get(slot)
    let best = -1
    let owner: string | undefined
    for (let i = 0; i < members.length; i += 1) {
      const weight = mix((seeds[i] as number) ^ Math.imul(slot + 1, 0x9e3779b1))
      if (weight > best) {
        best = weight
        owner = members[i]
      }
    }
    owners.set(slot, owner)
    return owner
  }
}

/** Non-negative 32 bit hash of a text (FNV-1a, mixed). */
export function hash(text: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return mix(value)
}

function mix(value: number): number {
  let x = value
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
