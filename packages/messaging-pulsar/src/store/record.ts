import { Buffer } from 'node:buffer'
import type { PulsarOutgoingMessage } from '../producer/outgoing.ts'

/**
 * What stands in the topic of a store. The key of each message says what it is about, so that compaction keeps the
 * newest of each:
 *
 * - `=KEY`: a value; without payload when it was deleted. A value has an identity, which is new with each write.
 * - `+KEY\0WRITER`: what a writer has added to a counter since the value got its identity, as a sum. Every writer has a
 *   record of its own, so none can overwrite what another one added.
 */
export type StoreRecord =
  | { readonly kind: 'value'; readonly key: string; readonly identity: string; readonly value: Uint8Array | undefined }
  | {
      readonly kind: 'counter'
      readonly key: string
      readonly writer: string
      readonly identity: string
      readonly sum: bigint
    }
  | { readonly kind: 'gone'; readonly key: string; readonly writer: string }

/** Property that holds the identity of the value. */
const IDENTITY = 'i'
/** Property of a value that was deleted while something counted on it. */
const DELETED = 'd'
/** First byte of a value, since compaction takes an empty message for a deletion. */
const VALUE = 1

/** A value; undefined deletes it. `mark` keeps the identity of a deletion. */
export function valueMessage(
  key: string,
  identity: string,
  value: Uint8Array | undefined,
  mark: boolean,
): PulsarOutgoingMessage {
  if (value === undefined && !mark) return { key: `=${key}`, payload: null }
  const payload = Buffer.allocUnsafe(1 + (value?.length ?? 0))
  payload[0] = VALUE
  if (value !== undefined) payload.set(value, 1)
  const properties = value === undefined ? { [IDENTITY]: identity, [DELETED]: '1' } : { [IDENTITY]: identity }
  return { key: `=${key}`, payload, properties }
}

export function counterMessage(key: string, writer: string, identity: string, sum: bigint): PulsarOutgoingMessage {
  return { key: `+${key}\0${writer}`, payload: Buffer.from(sum.toString()), properties: { [IDENTITY]: identity } }
}

export function counterGoneMessage(key: string, writer: string): PulsarOutgoingMessage {
  return { key: `+${key}\0${writer}`, payload: null }
}

/** Reads a message of the topic; undefined for one that no store wrote. */
export function readRecord(message: {
  readonly key: string | undefined
  readonly payload: Uint8Array | null
  readonly properties: { readonly [name: string]: string }
}): StoreRecord | undefined {
  const { key: text = '', payload, properties } = message
  const identity = properties[IDENTITY] ?? ''
  if (text.startsWith('=')) {
    const key = text.slice(1)
    if (payload === null || properties[DELETED] !== undefined) return { kind: 'value', key, identity, value: undefined }
    return { kind: 'value', key, identity, value: new Uint8Array(payload.subarray(1)) }
  }
  const border = text.lastIndexOf('\0')
  if (!text.startsWith('+') || border < 0) return undefined
  const key = text.slice(1, border)
  const writer = text.slice(border + 1)
  if (payload === null) return { kind: 'gone', key, writer }
  const sum = Buffer.from(payload).toString()
  return /^-?\d+$/.test(sum) ? { kind: 'counter', key, writer, identity, sum: BigInt(sum) } : undefined
}
