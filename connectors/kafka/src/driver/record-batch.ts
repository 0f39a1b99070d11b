import { compressionsAlgorithms, crc32c } from '@platformatic/kafka'

/** A record as it goes into a batch. */
export interface BatchRecord {
  readonly key: Buffer | undefined
  readonly value: Buffer | null
  readonly headers: ReadonlyMap<Buffer, Buffer> | undefined
  /** Milliseconds since 1970. */
  readonly timestamp: number
  /** Bytes that it takes at most, see {@link RECORD_BYTES} and {@link HEADER_BYTES}. */
  readonly bytes: number
}

export interface BatchOptions {
  readonly compression: string
  /** -1n: nobody in particular. */
  readonly producerId: bigint
  readonly epoch: number
  readonly firstSequence: number
  readonly transactional: boolean
}

/** Bytes of a batch before its records. */
export const BATCH_BYTES = 61
/** Bytes of a record besides key, value and headers, at most: attributes and six numbers of variable length. */
export const RECORD_BYTES = 40
/** Bytes of a header besides its name and value, at most. */
export const HEADER_BYTES = 10

const MAGIC = 2
const TRANSACTIONAL = 1 << 4
const NOTHING = -1

/**
 * The bytes of a batch; https://kafka.apache.org/documentation/#recordbatch. Made here and not by the driver, which
 * takes several buffers for each record, and gets times wrong that are more than 24 days apart.
 *
 * Resolves at once but for gzip, which runs beside.
 */
export function encodeBatch(records: readonly BatchRecord[], options: BatchOptions): Buffer | Promise<Buffer> {
  let most = BATCH_BYTES
  for (const { bytes } of records) most += bytes
  const bytes = Buffer.allocUnsafe(most)
  const first = records[0]?.timestamp ?? 0
  let latest = first
  let at = BATCH_BYTES
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as BatchRecord
    if (record.timestamp > latest) latest = record.timestamp
    at = writeRecord(bytes, at, record, i, record.timestamp - first)
  }
  const finish = (body: Buffer, codec: number): Buffer => {
    const whole = codec === 0 ? body : Buffer.concat([bytes.subarray(0, BATCH_BYTES), body])
    whole.writeBigInt64BE(0n, 0) // base offset: the server's to say
    whole.writeInt32BE(whole.length - 12, 8)
    whole.writeInt32BE(-1, 12) // leader epoch
    whole.writeInt8(MAGIC, 16)
    whole.writeInt16BE(codec | (options.transactional ? TRANSACTIONAL : 0), 21)
    whole.writeInt32BE(records.length - 1, 23)
    whole.writeBigInt64BE(BigInt(first), 27)
    whole.writeBigInt64BE(BigInt(latest), 35)
    whole.writeBigInt64BE(options.producerId, 43)
    whole.writeInt16BE(options.epoch, 51)
    whole.writeInt32BE(options.firstSequence, 53)
    whole.writeInt32BE(records.length, 57)
    whole.writeUInt32BE(crc32c(whole.subarray(21)), 17)
    return whole
  }
  const algorithm = (compressionsAlgorithms as { readonly [name: string]: Codec | undefined })[options.compression]
  if (options.compression === 'none' || !algorithm) return finish(bytes.subarray(0, at), 0)
  const body = bytes.subarray(BATCH_BYTES, at)
  if (!algorithm.compress) return finish(algorithm.compressSync(body), algorithm.bitmask)
  return algorithm.compress(body).then(compressed => finish(compressed, algorithm.bitmask))
}

interface Codec {
  readonly bitmask: number
  compressSync(data: Buffer): Buffer
  compress?(data: Buffer): Promise<Buffer>
}

function writeRecord(to: Buffer, start: number, record: BatchRecord, index: number, timeDelta: number): number {
  const { key, value, headers } = record
  let length =
    1 + sizeOf(timeDelta) + sizeOf(index) + sizeOfBytes(key) + sizeOfBytes(value) + sizeOf(headers?.size ?? 0)
  if (headers) for (const [name, text] of headers) length += sizeOfBytes(name) + sizeOfBytes(text)
  let at = writeNumber(to, start, length)
  to[at++] = 0 // attributes
  at = writeNumber(to, at, timeDelta)
  at = writeNumber(to, at, index)
  at = writeBytes(to, at, key)
  at = writeBytes(to, at, value)
  at = writeNumber(to, at, headers?.size ?? 0)
  if (headers)
    for (const [name, text] of headers) {
      at = writeBytes(to, at, name)
      at = writeBytes(to, at, text)
    }
  return at
}

/** Signed numbers alternate, so that small ones are short: 0, -1, 1, -2 … In floating point, for times exceed 32 bits. */
const zigzag = (n: number): number => (n >= 0 ? n * 2 : n * -2 - 1)

function sizeOf(n: number): number {
  let rest = zigzag(n)
  let size = 1
  for (; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}

function writeNumber(to: Buffer, start: number, n: number): number {
  let rest = zigzag(n)
  let at = start
  for (; rest >= 2 ** 31; rest = Math.floor(rest / 128)) to[at++] = (rest % 128) | 128
  for (; rest >= 128; rest >>>= 7) to[at++] = (rest & 127) | 128
  to[at++] = rest
  return at
}

const sizeOfBytes = (bytes: Buffer | null | undefined): number => (bytes ? sizeOf(bytes.length) + bytes.length : 1)

function writeBytes(to: Buffer, at: number, bytes: Buffer | null | undefined): number {
  if (!bytes) return writeNumber(to, at, NOTHING)
  const { length } = bytes
  const next = writeNumber(to, at, length)
  // Below some length the call costs more than the copying.
  if (length > 24) to.set(bytes, next)
  else for (let i = 0; i < length; i++) to[next + i] = bytes[i] as number
  return next + length
}
