import type { BatchInfo, Outcome, Record, SinkContext } from '@pulsar-io/sdk'
import { type ContextOverrides, createSinkContext, records } from '@pulsar-io/testkit'
import { type Config, options } from '../src/options.ts'
import { CassandraSink } from '../src/sink.ts'

export type RawConfig = { readonly [field: string]: unknown }

/** A checked configuration; address and names are only placeholders unless given. */
export function configOf(raw: RawConfig = {}): Config {
  return options.parse({ roots: 'localhost', keyspace: 'a_keyspace', columnFamily: 'a_table', ...raw })
}

const TOPIC = 'persistent://public/default/orders'

const batch: BatchInfo = { checkpoint: [], signal: new AbortController().signal }

/** Records of one partition, one behind the other. */
export function recordsOf(values: readonly unknown[], overrides: Partial<Record> = {}): Record[] {
  return records(values, { topic: TOPIC, publishTime: Date.UTC(2026, 0, 1), ...overrides })
}

/** A sink that is connected to a real server. */
export async function openSink(raw: RawConfig, overrides: ContextOverrides<SinkContext> = {}) {
  const sink = new CassandraSink()
  const context = createSinkContext({ inputTopics: [TOPIC], subscriptionType: 'Failover', ...overrides })
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

type Failure = (Error & { readonly code?: string; readonly retry?: string }) | undefined

/** The codes of outcomes, `undefined` where the record is written. */
export const codes = (outcomes: readonly Outcome[]): (string | undefined)[] =>
  outcomes.map(outcome => (outcome as Failure)?.code)

/** What a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string; retry?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('did not fail')
}
