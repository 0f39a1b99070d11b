import { createAPI, produceV9, produceV10, produceV11, Writer } from '@platformatic/kafka'

/** The batches of one request. */
export interface ProduceRequest {
  readonly transactionalId: string | undefined
  readonly acks: number
  readonly timeoutMs: number
  readonly topics: ReadonlyMap<string, readonly { readonly partition: number; readonly batch: Buffer }[]>
}

const PRODUCE = 0
const PARSERS = new Map([
  [9, produceV9.parseResponse],
  [10, produceV10.parseResponse],
  [11, produceV11.parseResponse],
] as const)

/** The request in a version, made of batches that are encoded already. */
export function produceApi(version: number): unknown {
  const parse = PARSERS.get(version as 9 | 10 | 11)
  if (!parse) throw new Error(`Unsupported API Produce v${version}`)
  return createAPI(PRODUCE, version, createRequest as never, parse as never)
}

function createRequest({ transactionalId, acks, timeoutMs, topics }: ProduceRequest): Writer {
  const writer = Writer.create()
    .appendString(transactionalId)
    .appendInt16(acks)
    .appendInt32(timeoutMs)
    .appendArray([...topics], (to, [topic, batches]) => {
      to.appendString(topic).appendArray(
        batches as { partition: number; batch: Buffer }[],
        (inner, { partition, batch }) => {
          inner
            .appendInt32(partition)
            .appendUnsignedVarInt(batch.length + 1)
            .append(batch)
        },
      )
    })
    .appendTaggedFields()
  if (acks === 0) writer.context.noResponse = true
  return writer
}
