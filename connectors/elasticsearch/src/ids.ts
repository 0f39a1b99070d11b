import { createHash } from 'node:crypto'
import { RecordError, stringifyJson } from '@pulsar-io/sdk'
import type { Config } from './options.ts'

/** A server refuses longer ids, and the whole request with them. */
const MAX_ID_BYTES = 512

/** A JSON object. */
export type Fields = { readonly [name: string]: unknown }

/** The place of a record, which is the same each time that it is delivered. */
export interface Place {
  readonly topic: string
  readonly partition: number
  readonly position: { readonly ledgerId: bigint; readonly entryId: bigint; readonly batchIndex: number }
}

/** `<topic>-<partition>-<ledger>-<entry>-<batch>`: no two records share it, and a replayed record has the same again. */
export function positionId({ topic, partition, position }: Place): string {
  return `${topic}-${partition}-${position.ledgerId}-${position.entryId}-${position.batchIndex}`
}

/**
 * The `_id` that fields make, as Pulsar's Java sink makes it: the value of one field, the JSON list of several.
 * Throws a RecordError (`PIO_ES_ID`) where one is missing, because records would fall onto the same document.
 */
export function fieldsId(source: Fields, names: readonly string[], canonical: boolean): string {
  const values = names.map(name => {
    const value = source[name]
    if (value === undefined || value === null)
      throw new RecordError(`the document has no ${JSON.stringify(name)}, which primaryFields names`, {
        code: 'PIO_ES_ID',
      })
    return canonical ? sorted(value) : value
  })
  const id = values.length === 1 ? values[0] : values
  const text = stringifyJson(id)
  return typeof id === 'string' ? text.slice(1, -1) : text
}

/** The `_id` of a key with fields; see {@link fieldsId}. */
export function keyFieldsId(key: Fields, canonical: boolean): string {
  const names = Object.keys(key)
  return fieldsId(key, canonical ? names.sort() : names, canonical)
}

/** Hashes an id where the configuration says so. Throws a RecordError (`PIO_ES_ID`) for one that no server takes. */
export function finishId(id: string, config: Pick<Config, 'idHashingAlgorithm' | 'conditionalIdHashing'>): string {
  const { idHashingAlgorithm: algorithm, conditionalIdHashing } = config
  // No character takes more than three bytes, so that most ids need not be measured.
  const tooLong = id.length * 3 > MAX_ID_BYTES && Buffer.byteLength(id) > MAX_ID_BYTES
  if (algorithm !== 'NONE' && (tooLong || !conditionalIdHashing))
    return createHash(algorithm).update(id).digest('base64').replace(/=+$/, '')
  if (tooLong)
    throw new RecordError(
      `the _id is ${Buffer.byteLength(id)} bytes long and a server takes ${MAX_ID_BYTES}; set idHashingAlgorithm to SHA256 with conditionalIdHashing`,
      { code: 'PIO_ES_ID' },
    )
  return id
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const fields = value as Fields
  return Object.fromEntries(
    Object.keys(fields)
      .sort()
      .map(name => [name, sorted(fields[name])]),
  )
}
