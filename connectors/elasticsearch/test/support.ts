import type { BatchInfo, Outcome, Record } from '@pulsar-io/sdk'
import { createSinkContext, records } from '@pulsar-io/testkit'
import { type Config, options } from '../src/options.ts'
import { ElasticsearchSink } from '../src/sink.ts'

/** A checked configuration; the address and the index are only placeholders unless given. */
export function configOf(raw: { readonly [field: string]: unknown } = {}): Config {
  return options.parse({ elasticSearchUrl: 'http://localhost:9200', indexName: 'an_index', ...raw })
}

export const TOPIC = 'persistent://public/default/orders'

export const batch: BatchInfo = { checkpoint: [], signal: new AbortController().signal }

/** Records of one partition whose values are the JSON texts of documents. */
export function documents(values: readonly (object | string | null)[], overrides: Partial<Record> = {}): Record[] {
  return records(
    values.map(value => (value === null || typeof value === 'string' ? value : JSON.stringify(value))),
    { topic: TOPIC, ...overrides } as Partial<Record<string>>,
  )
}

/** A sink that is connected to a real server. */
export async function openSink(raw: { readonly [field: string]: unknown }) {
  const sink = new ElasticsearchSink()
  const context = createSinkContext({ inputTopics: [TOPIC] })
  await sink.open(configOf(raw), context).catch(async error => {
    await sink.close()
    throw error
  })
  return {
    context,
    write: (written: readonly Record[], signal = batch.signal): Promise<readonly Outcome[]> =>
      sink.write(written, { ...batch, signal }),
    close: () => sink.close(),
    [Symbol.asyncDispose]: () => sink.close(),
  }
}

/** The codes of outcomes, `undefined` where the record is written. */
export const codes = (outcomes: readonly Outcome[]): (string | undefined)[] =>
  outcomes.map(outcome => (outcome as (Error & { code?: string }) | undefined)?.code)

/** What a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string; retry?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a failure, but it succeeded')
}
